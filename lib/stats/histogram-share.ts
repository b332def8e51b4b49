import type { Histogram } from './histogram-moments';

/**
 * Share of the values with |x| < `limit`, each bin read as a uniform density and exact
 * zeros as an atom at 0.
 *
 * Shape    limit > 0 → scalar 0…1
 * Empty    NaN
 * NaN/Inf  non-finite values are in neither count. Underflow and overflow count as large:
 *          exact while the range reaches ±limit, else a lower bound
 */
export function computeShareWithin({ edges, counts, outside }: Histogram, limit: number): number {
  const [underflow = 0, overflow = 0, zeros = 0] = outside;
  let count = underflow + overflow + zeros;
  let within = zeros;
  for (let bin = 0; bin < counts.length; bin++) {
    const inBin = counts[bin] ?? 0;
    const left = edges[bin] ?? 0;
    const right = edges[bin + 1] ?? 0;
    count += inBin;
    const overlap = Math.min(right, limit) - Math.max(left, -limit);
    if (overlap > 0) within += (inBin * overlap) / (right - left);
  }
  return within / count;
}
