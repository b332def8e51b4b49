import type { Histogram } from './histogram-moments';
import { computeHistogramWindow, countBelow } from './histogram-window';

/**
 * Density of a histogram at chosen points: the share of all finite values within
 * ±halfWidth of the point, per unit of x. With halfWidth 0 it is the bin's own density.
 *
 * Shape       P points in any order → [P], ≥ 0
 * Units       one over those of the edges
 * Empty       NaN with no finite value at all; 0 beyond the edges
 * NaN/Inf     non-finite values are left out; a NaN point gives NaN
 * Definition  each bin a uniform density; with halfWidth 0 a point on an edge takes the
 *             bin on its right, the last edge that on its left. Exact zeros are an atom and
 *             have no density, but count among the finite values, as underflow and
 *             overflow do: the densities integrate to the binned share
 * Throws      RangeError for a negative halfWidth, or when counts, edges and outside do not
 *             fit each other
 * Cost        O(B + P log B)
 */
export function computeDensityAt(
  histogram: Histogram,
  points: ArrayLike<number>,
  halfWidth = 0,
): Float64Array<ArrayBuffer> {
  if (!(halfWidth >= 0)) throw new RangeError(`halfWidth: expected ≥ 0, got ${halfWidth}`);
  const { edges, counts, outside } = histogram;
  const { below, binnedCount } = computeHistogramWindow(histogram);
  const [underflow = 0, overflow = 0, zeros = 0] = outside;
  const finiteCount = binnedCount + underflow + overflow + zeros;
  const densities = new Float64Array(points.length);
  for (let i = 0; i < points.length; i++) {
    const point = points[i] ?? NaN;
    if (Number.isNaN(point)) densities[i] = NaN;
    else if (halfWidth === 0) densities[i] = densityOfBin(edges, counts, point) / finiteCount;
    else {
      const within =
        countBelow(edges, below, point + halfWidth) - countBelow(edges, below, point - halfWidth);
      densities[i] = within / (2 * halfWidth * finiteCount);
    }
  }
  return densities;
}

/** Values per unit of x in the bin that holds `point`. */
function densityOfBin(edges: Float32Array, counts: Uint32Array, point: number): number {
  const last = counts.length;
  if (point < (edges[0] ?? 0) || point > (edges[last] ?? 0)) return 0;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((edges[middle] ?? 0) <= point) low = middle;
    else high = middle;
  }
  return (counts[low] ?? 0) / ((edges[high] ?? 0) - (edges[low] ?? 0));
}
