import { borrowDipWork, dipOfVertices } from './dip-of-vertices';

/**
 * Factor, a power of two and so exact, that keeps slopes and differences of the largest and
 * of the smallest float64 finite: counts over widths of 5e-324, widths of 3.6e308.
 */
function scaleFor(largest: number): number {
  if (largest > 2 ** 900) return 2 ** -200;
  return largest < 2 ** 400 ? 2 ** 500 : 1;
}

/** Sorted copy of the last sample; grows, never shrinks, and is written before it is read. */
let sorted = new Float64Array(4096);

/**
 * Hartigan's dip of a sample: of its step function, in which equal values are one atom.
 *
 * Shape       any length, any order; read only; → scalar in [1/(2n), 0.25]
 * Units       none: affine changes and mirroring of the values leave it
 * Empty       NaN; 1/(2n) where all values are equal (0.5 for one value, the only one
 *             above 0.25)
 * NaN/Inf     left out, and out of n
 * Definition  at least 1/(2n), as R's diptest with min.is.0 = FALSE. Ties alone look like
 *             peaks: values rounded to a few levels need a histogram (`dipOfHistogram`)
 * Cost        O(n log n) for the sort; none if `values` are in order
 * Source      J. A. Hartigan, P. M. Hartigan, The Dip Test of Unimodality, 1985
 */
export function dipOfSample(values: ArrayLike<number>): number {
  const count = sortFinite(values);
  if (count === 0) return NaN;
  const scale = scaleFor(Math.max(Math.abs(sorted[0] ?? 0), Math.abs(sorted[count - 1] ?? 0)));

  const work = borrowDipWork(count);
  const { x, lo, hi } = work;
  let vertexCount = 0;
  for (let rank = 0; rank < count;) {
    const value = (sorted[rank] ?? 0) * scale;
    x[vertexCount] = value;
    lo[vertexCount] = rank;
    while (rank < count && (sorted[rank] ?? 0) * scale === value) rank++;
    hi[vertexCount] = rank;
    vertexCount++;
  }
  return Math.max(dipOfVertices(work, vertexCount), 1 / (2 * count));
}

/** Copies the finite values into `sorted`, in order; their count. */
function sortFinite(values: ArrayLike<number>): number {
  if (sorted.length < values.length) {
    sorted = new Float64Array(Math.max(values.length, 2 * sorted.length));
  }
  let count = 0;
  let isSorted = true;
  let previous = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    if (!Number.isFinite(value)) continue;
    if (value < previous) isSorted = false;
    previous = value;
    sorted[count++] = value;
  }
  if (!isSorted) sorted.subarray(0, count).sort();
  return count;
}
