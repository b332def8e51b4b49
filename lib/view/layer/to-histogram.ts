import type { Histogram } from '../../stats/histogram-moments';

/** What of a posted distribution a view needs; `Distribution` of the contract is one. */
export interface CountedDistribution {
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  readonly underflow: number;
  readonly overflow: number;
  readonly zeros: number;
  readonly nonFinite: number;
}

/** A distribution as `lib/stats` reads it. Edges are float32 on the wire and lose nothing. */
export function toHistogram(distribution: CountedDistribution): Histogram {
  const { edges, counts, underflow, overflow, zeros, nonFinite } = distribution;
  return {
    edges: Float32Array.from(edges),
    counts: Uint32Array.from(counts),
    outside: Uint32Array.of(underflow, overflow, zeros, nonFinite),
  };
}

/** Coordinates that are a number: in bins, beyond them, or exactly 0. */
export function countFinite({ counts, underflow, overflow, zeros }: CountedDistribution): number {
  return counts.reduce((sum, count) => sum + count, underflow + overflow + zeros);
}
