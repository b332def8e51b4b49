import { computeHistogramMoments, type Histogram } from './histogram-moments';
import { computeShareWithin } from './histogram-share';
import { QUIET_NAN_BITS, writeValue } from './missing-value';
import { SMALL_UPDATE } from './small-update';

export interface HistogramMetricsInput {
  readonly layerCount: number;
  /** [B + 1] */
  readonly edges: Float32Array;
  /** [L, B] */
  readonly counts: Uint32Array;
  /** [L, 4] underflow, overflow, exact zeros, non-finite. */
  readonly outside: Uint32Array;
  /** Bits for a layer without a value in the histogram; a quiet NaN if absent. */
  readonly missingBits?: number;
}

/** Standard metrics that follow from a posted histogram, by its name. */
const DERIVATIONS: ReadonlyMap<
  string,
  ReadonlyMap<string, (histogram: Histogram) => number>
> = new Map([
  ['ratio', new Map([['ratio_std', (r: Histogram) => computeHistogramMoments(r).std]])],
  [
    'update',
    new Map([
      ['update_mean', (u: Histogram) => computeHistogramMoments(u).mean],
      ['update_std', (u: Histogram) => computeHistogramMoments(u).std],
      ['update_small_fraction', (u: Histogram) => computeShareWithin(u, SMALL_UPDATE)],
    ]),
  ],
]);

/**
 * The standard metrics that a job's own histograms allow: `ratio_std` from `ratio`;
 * `update_mean`, `update_std` and `update_small_fraction` from `update`; none from others.
 * Readings of binned data: right to the width of a bin, for jobs that post nothing better.
 *
 * Shape    [L, B] counts → [L] float32 a metric
 * Empty    a layer whose row is all zeros reported nothing: missing
 * NaN/Inf  non-finite values are left out; a layer that has no others gets NaN
 * Throws   RangeError when the arrays do not fit `layerCount`
 */
export function deriveHistogramMetrics(
  name: string,
  input: HistogramMetricsInput,
): Map<string, Float32Array> {
  const { layerCount, edges, counts, outside } = input;
  const missingBits = input.missingBits ?? QUIET_NAN_BITS;
  const binCount = edges.length - 1;
  if (counts.length !== layerCount * binCount || outside.length !== layerCount * 4) {
    throw new RangeError(
      `${name}: expected ${layerCount * binCount} counts and ${layerCount * 4} outside, got ${counts.length} and ${outside.length}`,
    );
  }
  const columns = new Map<string, Float32Array>();
  for (const [metric, derive] of DERIVATIONS.get(name) ?? []) {
    const column = new Float32Array(layerCount);
    for (let layer = 0; layer < layerCount; layer++) {
      const histogram = {
        edges,
        counts: counts.subarray(layer * binCount, (layer + 1) * binCount),
        outside: outside.subarray(layer * 4, layer * 4 + 4),
      };
      const isReported = histogram.counts.some(isPositive) || histogram.outside.some(isPositive);
      writeValue(column, layer, isReported ? derive(histogram) : null, missingBits);
    }
    columns.set(metric, column);
  }
  return columns;
}

function isPositive(count: number): boolean {
  return count > 0;
}
