import type { DipWork } from './dip-of-vertices';
import type { Histogram } from './histogram-moments';

/**
 * Writes the vertices of a histogram's distribution function, in counts; returns how many.
 * Edges between two empty bins are left out: the line does not bend there. 0 where no shape
 * is known: nothing within the edges, or at least as much beyond them.
 *
 * Shape  `work` has room for B + 2 vertices
 */
export function writeHistogramVertices(
  work: DipWork,
  { edges, counts, outside }: Histogram,
): number {
  const { x, lo, hi } = work;
  const [underflow = 0, overflow = 0, zeros = 0] = outside;
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
  if (isAtomDue) vertexCount = writeAtom(work, vertexCount, below, zeros);
  const within = vertexCount === 0 ? 0 : (hi[vertexCount - 1] ?? 0);
  return underflow + overflow >= within ? 0 : vertexCount;
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
