import { describe, expect, it } from 'vitest';
import { createDipWork } from '@/lib/stats/dip-of-vertices';
import { writeHistogramVertices } from '@/lib/stats/histogram-vertices';
import { histogramOf } from './counted';

function verticesOf(edges: number[], counts: number[], outside?: number[]): number[][] {
  const work = createDipWork(edges.length + 1);
  const count = writeHistogramVertices(work, histogramOf(edges, counts, outside));
  return Array.from({ length: count }, (_, i) => [work.x[i]!, work.lo[i]!, work.hi[i]!]);
}

describe('writeHistogramVertices', () => {
  it('writes the edges beside bins that hold something, in counts', () => {
    expect(verticesOf([1, 2, 3, 4, 5, 6], [0, 3, 0, 0, 2])).toEqual([
      [2, 0, 0],
      [3, 3, 3],
      [5, 3, 3],
      [6, 5, 5],
    ]);
  });

  it('puts exact zeros at 0: on an edge, inside a bin, and beyond all edges', () => {
    expect(verticesOf([-1, 0, 1], [2, 0], [0, 0, 5, 0])).toEqual([
      [-1, 0, 0],
      [0, 2, 7],
    ]);
    expect(verticesOf([-1, 3], [8], [0, 0, 5, 0])).toEqual([
      [-1, 0, 0],
      [0, 2, 7],
      [3, 13, 13],
    ]);
    expect(verticesOf([1, 2], [4], [0, 0, 5, 0])).toEqual([
      [0, 0, 5],
      [1, 5, 5],
      [2, 9, 9],
    ]);
  });

  it('writes none where nothing lies within the edges, or at least as much beyond them', () => {
    expect(verticesOf([0, 1], [0], [0, 0, 0, 3])).toEqual([]);
    expect(verticesOf([0, 1], [3], [2, 1, 0, 0])).toEqual([]);
    expect(verticesOf([0, 1], [4], [2, 1, 0, 0])).toHaveLength(2);
  });
});
