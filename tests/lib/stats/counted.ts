import type { Histogram } from '@/lib/stats/histogram-moments';

/** Counts values into bins [left, right) one by one, exact zeros and the rest apart. */
export function countInto(edges: Float32Array, values: Iterable<number>): Histogram {
  const counts = new Uint32Array(edges.length - 1);
  const outside = new Uint32Array(4);
  for (const value of values) {
    if (!Number.isFinite(value)) outside[3]!++;
    else if (value === 0) outside[2]!++;
    else if (value < edges[0]!) outside[0]!++;
    else if (value >= edges.at(-1)!) outside[1]!++;
    else {
      let low = 0;
      let high = counts.length;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (edges[middle]! <= value) low = middle;
        else high = middle;
      }
      counts[low]!++;
    }
  }
  return { edges, counts, outside };
}

export function histogramOf(
  edges: readonly number[],
  counts: readonly number[],
  outside: readonly number[] = [0, 0, 0, 0],
): Histogram {
  return {
    edges: Float32Array.from(edges),
    counts: Uint32Array.from(counts),
    outside: Uint32Array.from(outside),
  };
}
