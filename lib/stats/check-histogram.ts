import type { Histogram } from './histogram-moments';

/** Throws RangeError unless there are B ≥ 1 counts, B + 1 edges and 4 outside. */
export function checkHistogram({ edges, counts, outside }: Histogram): void {
  if (counts.length < 1 || edges.length !== counts.length + 1 || outside.length !== 4) {
    throw new RangeError(
      `expected B counts, B + 1 edges and 4 outside, got ${counts.length}, ${edges.length} and ${outside.length}`,
    );
  }
}
