/** Which aligned spans of steps become blocks: pure, from counts a cell of 64 steps. */
import { alignDown, BLOCK_STEPS, MAX_SPAN_EXPONENT } from './block-layout';

/** What is hot in 64 aligned steps. */
export interface HotCell {
  /** Its first step. */
  readonly firstStep: number;
  /** Different steps with layer metrics. */
  readonly layeredSteps: number;
  /** Rows, shards and steps of scalars alone among them. */
  readonly rows: number;
  readonly sizeBytes: number;
}

export interface BlockSpan {
  readonly firstStep: number;
  readonly span: number;
}

export interface SpanLimits {
  /** Blocks lie below it: a span begins at or above. A multiple of 64. */
  readonly floor: number;
  /** Blocks lie from it on; Infinity for none. */
  readonly ceiling: number;
  /** Steps below it are sealed; Infinity once the attempt takes no more. */
  readonly sealedBelow: number;
  /** `cells` says what is hot below it. */
  readonly knownBelow: number;
  /** Whether the run has layer metrics at all: scalars make no blocks, and need none to wait for. */
  readonly hasLayers: boolean;
}

export type SpanChoice =
  | { readonly kind: 'sealed'; readonly span: BlockSpan }
  | { readonly kind: 'open' }
  /** The counts up to `until` decide. */
  | { readonly kind: 'unknown'; readonly until: number };

/** Below this a block costs more for its row than for its values, as 100 layers are. */
const ENOUGH_STEPS = 16;
/** A span that turns out dense further on is not made into one block of thousands of steps. */
const MOST_STEPS = 256;

/**
 * The span that begins with the first cell: the smallest of 64 · 4^j that holds more than 16
 * steps, unless a larger one would hold more than 256. `cells` are ascending.
 */
export function chooseSpan(cells: readonly HotCell[], limits: SpanLimits): SpanChoice {
  const firstStep = cells[0]?.firstStep;
  if (firstStep === undefined) return { kind: 'open' };
  let chosen: BlockSpan = { firstStep, span: BLOCK_STEPS };
  let steps = cells[0]?.layeredSteps ?? 0;
  if (firstStep + BLOCK_STEPS > limits.sealedBelow) return { kind: 'open' };
  if (!limits.hasLayers) return { kind: 'sealed', span: chosen };
  for (let exponent = 1; exponent <= MAX_SPAN_EXPONENT && steps <= ENOUGH_STEPS; exponent++) {
    const span = BLOCK_STEPS * 4 ** exponent;
    const start = alignDown(firstStep, span);
    const end = start + span;
    if (start < limits.floor || end > limits.ceiling) break;
    const inside = cells.filter((cell) => cell.firstStep < end);
    const count = inside.reduce((sum, { layeredSteps }) => sum + layeredSteps, 0);
    if (count > MOST_STEPS) break;
    if (end > limits.knownBelow) return { kind: 'unknown', until: end };
    chosen = { firstStep: start, span };
    steps = count;
  }
  return chosen.firstStep + chosen.span > limits.sealedBelow
    ? { kind: 'open' }
    : { kind: 'sealed', span: chosen };
}
