/** Of a rollup row the buckets of which no steps are left to sum up again. */
import { bucketSteps, rowSteps } from './block-layout';
import type { Interval } from './intervals';
import type { MetricRollup } from './metric-rollup';

/** The buckets of the row `block` of `level` that lie in one of the gaps. */
export function bucketsInGaps(
  { slots, reported, minimum, maximum, mean, exceptions }: MetricRollup,
  level: number,
  block: number,
  gaps: readonly Interval[],
): MetricRollup {
  const firstStep = block * rowSteps(level);
  const isInGap = (slot: number): boolean => {
    const step = firstStep + slot * bucketSteps(level);
    return gaps.some(({ from, to }) => step >= from && step < to);
  };
  const kept = [...slots.keys()].filter((index) => isInGap(slots[index] ?? 0));
  const n = slots.length;
  const layerCount = n === 0 ? 0 : minimum.length / n;
  const floats = (plane: Float32Array): Float32Array => {
    const chosen = new Float32Array(layerCount * kept.length);
    let at = 0;
    for (let layer = 0; layer < layerCount; layer++) {
      for (const index of kept) chosen[at++] = plane[layer * n + index] ?? NaN;
    }
    return chosen;
  };
  const counts = (source: Uint32Array): Uint32Array => {
    const chosen = new Uint32Array(2 * layerCount * kept.length);
    let at = 0;
    for (let row = 0; row < 2 * layerCount; row++) {
      for (const index of kept) chosen[at++] = source[row * n + index] ?? 0;
    }
    return chosen;
  };
  return {
    slots: Uint8Array.from(kept, (index) => slots[index] ?? 0),
    reported: Int32Array.from(kept, (index) => reported[index] ?? 0),
    minimum: floats(minimum),
    maximum: floats(maximum),
    mean: floats(mean),
    exceptions: exceptions === null ? null : counts(exceptions),
  };
}
