import { checkHistogram } from './check-histogram';
import { borrowDipWork, dipOfVertices } from './dip-of-vertices';
import type { Histogram } from './histogram-moments';
import { writeHistogramVertices } from './histogram-vertices';

/**
 * Hartigan's dip of a histogram read as a piecewise-linear distribution function: a
 * uniform density in each bin, exact zeros as an atom at 0, inside a bin too. (Of bin
 * centres each bin would be an atom: a single peak at 0 then scores 0.2485 of 0.25.)
 *
 * Shape       B ≥ 1 bins → scalar in [0, 0.25]; equal bins or not
 * Units       none: affine changes and mirroring of the edges leave it
 * Empty       NaN, also where at least half of the finite values lie outside the edges
 * NaN/Inf     non-finite values are left out
 * Definition  of the values within the edges: how far out the others lie is not known, and
 *             an atom on the outer edge would be a peak that nobody has seen. It differs
 *             from the dip of all finite values by at most their share
 * Throws      RangeError when counts, edges and outside do not fit each other
 * Cost        O(B) but for shapes no training makes (see `dipOfVertices`); runs of empty
 *             bins cost one
 */
export function dipOfHistogram(histogram: Histogram): number {
  checkHistogram(histogram);
  // One vertex more than edges: the atom at 0 may lie between two of them, or beyond all.
  const work = borrowDipWork(histogram.edges.length + 1);
  const vertexCount = writeHistogramVertices(work, histogram);
  return vertexCount === 0 ? NaN : dipOfVertices(work, vertexCount);
}
