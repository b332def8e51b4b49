import { checkHistogram } from './check-histogram';
import { borrowDipWork, dipOfVertices, type DipWork } from './dip-of-vertices';
import type { Histogram } from './histogram-moments';

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
  const { edges, outside } = histogram;
  const [underflow = 0, overflow = 0] = outside;
  // One vertex more than edges: the atom at 0 may lie between two of them, or beyond all.
  const work = borrowDipWork(edges.length + 1);
  const vertexCount = writeVertices(work, histogram);
  const within = vertexCount === 0 ? 0 : (work.hi[vertexCount - 1] ?? 0);
  return underflow + overflow >= within ? NaN : dipOfVertices(work, vertexCount);
}

/**
 * Writes the vertices of the distribution function, in counts; returns how many. Edges
 * between two empty bins are left out: the line does not bend there.
 */
function writeVertices(work: DipWork, { edges, counts, outside }: Histogram): number {
  const { x, lo, hi } = work;
  const zeros = outside[2] ?? 0;
  let isAtomDue = zeros > 0;
  let vertexCount = 0;
  let below = 0;
  let end = NaN;
  for (let bin = 0; bin < counts.length; bin++) {
    const inBin = counts[bin] ?? 0;
    if (inBin === 0) continue;
    const left = edges[bin] ?? 0;
    const right = edges[bin + 1] ?? 0;
    if (isAtomDue && right > 0) {
      // Where the bin reaches across 0, its part below 0 comes before the atom.
      const belowZero = left < 0 ? (inBin * -left) / (right - left) : 0;
      if (belowZero > 0 && end !== left) vertexCount = writeVertex(work, vertexCount, left, below);
      vertexCount = writeAtom(work, vertexCount, below + belowZero, zeros);
      isAtomDue = false;
      below += zeros;
      if (left > 0) vertexCount = writeVertex(work, vertexCount, left, below);
    } else if (end !== left) {
      x[vertexCount] = left;
      lo[vertexCount] = below;
      hi[vertexCount++] = below;
    }
    below += inBin;
    end = right;
    x[vertexCount] = right;
    lo[vertexCount] = below;
    hi[vertexCount++] = below;
  }
  return isAtomDue ? writeAtom(work, vertexCount, below, zeros) : vertexCount;
}

function writeVertex({ x, lo, hi }: DipWork, vertexCount: number, at: number, below: number) {
  x[vertexCount] = at;
  lo[vertexCount] = below;
  hi[vertexCount] = below;
  return vertexCount + 1;
}

/** Adds `zeros` at 0: to the last vertex if that lies there. */
function writeAtom(work: DipWork, vertexCount: number, below: number, zeros: number): number {
  const isAtLast = vertexCount > 0 && work.x[vertexCount - 1] === 0;
  const next = isAtLast ? vertexCount : writeVertex(work, vertexCount, 0, below);
  work.hi[next - 1] = below + zeros;
  return next;
}
