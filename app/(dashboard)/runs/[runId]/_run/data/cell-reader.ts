import type { HeatmapColumns } from '@/lib/contract/heatmap-columns';
import { readHeatmap } from './run-reads';

/** A cell of a metric: not reported, not finite, or a number. */
export type CellValue = number | 'non_finite' | null;

/** Steps read at once: the crosshair moves along both axes, so a block answers most moves. */
const BLOCK_STEPS = 32;
/** Blocks kept; four metrics of a thousand layers are 512 KB each. */
const BLOCK_LIMIT = 48;
/** A crosshair in flight reads nothing; one that rests this long does. */
const REST_MS = 60;

interface Block {
  readonly columns: ReadonlyMap<string, HeatmapColumns>;
}

/**
 * Exact values of several metrics at any cell, read over HTTP in blocks of steps and kept.
 * Ask for a cell with `want`; `values` answers from what is there.
 */
export class CellReader {
  private readonly runId: string;
  private readonly metrics: readonly string[];
  private readonly blocks = new Map<number, Block>();
  private readonly listeners = new Set<() => void>();
  private wanted: number | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private revision = 0;

  constructor(runId: string, metrics: readonly string[]) {
    this.runId = runId;
    this.metrics = metrics;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly getRevision = (): number => this.revision;

  want(step: number): void {
    const index = Math.floor(step / BLOCK_STEPS);
    const block = this.blocks.get(index);
    if (this.metrics.length === 0 || (block !== undefined && this.holds(block, step))) return;
    if (this.wanted === step) return;
    this.wanted = step;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.read(index);
    }, REST_MS);
  }

  /** The metrics at a cell; null while they are on their way. */
  values(step: number, layer: number): ReadonlyMap<string, CellValue> | null {
    const block = this.blocks.get(Math.floor(step / BLOCK_STEPS));
    if (block === undefined) return null;
    return new Map(
      Array.from(block.columns, ([metric, columns]) => [metric, cellOf(columns, step, layer)]),
    );
  }

  /** The newest block was read before its last steps were there. */
  private holds({ columns }: Block, step: number): boolean {
    return [...columns.values()].some(({ toStep }) => (toStep.at(-1) ?? -1) >= step);
  }

  private async read(index: number): Promise<void> {
    const range = { fromStep: index * BLOCK_STEPS, toStep: (index + 1) * BLOCK_STEPS - 1 };
    const entries = await Promise.allSettled(
      this.metrics.map(async (metric) => {
        const columns = await readHeatmap(this.runId, metric, range, BLOCK_STEPS);
        return [metric, columns] as const;
      }),
    );
    // A metric that could not be read is missing from the line; the others stand.
    this.blocks.set(index, {
      columns: new Map(entries.flatMap((e) => (e.status === 'fulfilled' ? [e.value] : []))),
    });
    this.wanted = null;
    for (const oldest of this.blocks.keys()) {
      if (this.blocks.size <= BLOCK_LIMIT) break;
      this.blocks.delete(oldest);
    }
    this.revision++;
    for (const listener of this.listeners) listener();
  }
}

function cellOf(columns: HeatmapColumns, step: number, layer: number): CellValue {
  const column = columns.toStep.findIndex((toStep) => toStep >= step);
  if (column === -1 || (columns.fromStep[column] ?? Infinity) > step) return null;
  const at = layer * columns.columnCount + column;
  if ((columns.nonFinite[at] ?? 0) > 0) return 'non_finite';
  const value = columns.values[at] ?? NaN;
  return Number.isNaN(value) ? null : value;
}
