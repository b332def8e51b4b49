/** A spike on the page of one layer: which steps stand side by side for it, and its mark. */
import type { Spike } from '../../contract/reads';
import { formatStep } from '../text/format-number';
import { stepToX, type TraceWindow } from '../timelines/trace';

type SpikeDates = Pick<
  Spike,
  'id' | 'kind' | 'onsetStep' | 'riseStep' | 'peakStep' | 'firstMovers'
>;

export interface SpikeSteps {
  /** The step that the page is about. */
  readonly at: number;
  /** Before, at and after, ascending. */
  readonly steps: readonly number[];
}

/**
 * Before, at and after, as the paper shows its layers: at is where this layer left its
 * baseline if it moved first, else where the spike rose; after is one step beyond the peak.
 */
export function stepsOfSpike(spike: SpikeDates, layer: number): SpikeSteps {
  const own = spike.firstMovers.filter((mover) => mover.layer === layer).map(({ step }) => step);
  const at = Math.min(spike.riseStep ?? spike.onsetStep, ...own);
  const after = Math.max(spike.peakStep ?? spike.onsetStep, spike.onsetStep, at) + 1;
  return { at, steps: at > 0 ? [at - 1, at, after] : [at, at + 1, Math.max(after, at + 2)] };
}

const NAMES: Readonly<Record<Spike['kind'], string>> = {
  loss_spike: 'Loss spike',
  outlier_batch: 'Outlier batch',
  divergence: 'Divergence',
  rms_spike: 'RMS spike',
};

/** "Loss spike at 318". */
export function nameOfSpike({ kind, onsetStep }: Pick<Spike, 'kind' | 'onsetStep'>): string {
  return `${NAMES[kind]} at ${formatStep(onsetStep)}`;
}

export interface SpikeMark<S> {
  readonly spike: S;
  /** 0 to 1 along the window. */
  readonly x: number;
  /** "Loss spike at 318, and 2 more". */
  readonly label: string;
}

/** What a person looks for first keeps its place where marks would overlap. */
const ORDER: readonly Spike['kind'][] = ['divergence', 'loss_spike', 'outlier_batch', 'rms_spike'];

/** The marks of the window's spikes; those nearer than `leastDistance` (a share) to one are counted with it. */
export function prepareSpikeMarks<S extends Pick<Spike, 'kind' | 'onsetStep'>>(
  spikes: readonly S[],
  window: TraceWindow,
  leastDistance: number,
): readonly SpikeMark<S>[] {
  const placed: { spike: S; x: number; hidden: number }[] = [];
  const ordered = spikes
    .filter(({ onsetStep }) => onsetStep >= window.fromStep && onsetStep <= window.toStep)
    .sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || a.onsetStep - b.onsetStep);
  for (const spike of ordered) {
    const x = stepToX(window, spike.onsetStep);
    const near = placed.find((mark) => Math.abs(mark.x - x) < leastDistance);
    if (near === undefined) placed.push({ spike, x, hidden: 0 });
    else near.hidden++;
  }
  return placed
    .sort((a, b) => a.x - b.x)
    .map(({ spike, x, hidden }) => ({
      spike,
      x,
      label: hidden === 0 ? nameOfSpike(spike) : `${nameOfSpike(spike)}, and ${hidden} more`,
    }));
}
