import type { HistogramMetricsInput } from './histogram-metrics';
import { QUIET_NAN_BITS, writeValue } from './missing-value';
import { BOUND_TOLERANCE } from './ratio-edges';

/**
 * Share of a layer's values of r that lie beyond what Adam's moments can reach, read from
 * its histogram: bins that begin at or beyond ±bound · 1.001, and underflow and overflow
 * where the edges reach that far. A lower limit where a bin straddles the bound.
 *
 * Shape    [L, B] counts → [L] float32, 0…1
 * Units    none
 * Empty    a layer without a finite value of r: missing
 * NaN/Inf  non-finite values are in no count
 * Throws   RangeError when the arrays do not fit `layerCount`
 */
export function deriveRatioExcess(input: HistogramMetricsInput, bound: number): Float32Array {
  const { layerCount, edges, counts, outside } = input;
  const missingBits = input.missingBits ?? QUIET_NAN_BITS;
  const binCount = edges.length - 1;
  if (counts.length !== layerCount * binCount || outside.length !== layerCount * 4) {
    throw new RangeError(
      `expected ${layerCount * binCount} counts and ${layerCount * 4} outside, got ${counts.length} and ${outside.length}`,
    );
  }
  // As float32, which the edges of our own histograms are: their outermost are this limit.
  const limit = Math.fround(bound * (1 + BOUND_TOLERANCE));
  const isBeyond = Array.from(
    { length: binCount },
    (_, bin) => (edges[bin] ?? 0) >= limit || (edges[bin + 1] ?? 0) <= -limit,
  );
  const countsUnderflow = (edges[0] ?? 0) <= -limit;
  const countsOverflow = (edges[binCount] ?? 0) >= limit;
  const column = new Float32Array(layerCount);
  for (let layer = 0; layer < layerCount; layer++) {
    const [underflow = 0, overflow = 0, zeros = 0] = outside.subarray(layer * 4, layer * 4 + 4);
    let total = underflow + overflow + zeros;
    let beyond = (countsUnderflow ? underflow : 0) + (countsOverflow ? overflow : 0);
    const offset = layer * binCount;
    for (let bin = 0; bin < binCount; bin++) {
      const inBin = counts[offset + bin] ?? 0;
      total += inBin;
      if (isBeyond[bin] === true) beyond += inBin;
    }
    writeValue(column, layer, total === 0 ? null : beyond / total, missingBits);
  }
  return column;
}
