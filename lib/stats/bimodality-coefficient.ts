import type { HistogramMoments } from './histogram-moments';

/**
 * Sarle's bimodality coefficient: (G₁² + 1) / (G₂ + 3(n−1)²/((n−2)(n−3))).
 *
 * Above 5/9, that of the uniform and of the exponential distribution, a shape is worth a
 * look; a skewed or flat one with one peak gets there too (normal 1/3, two equal atoms 1).
 *
 * Shape       moments of n values → scalar in (0, 1]
 * Units       none
 * Empty       NaN below four values, and where all are equal
 * NaN/Inf     passed through
 * Definition  SAS: G₁ and G₂ are skewness and excess kurtosis corrected for the sample
 *             (scipy.stats.skew, kurtosis with bias=False), from those of the population
 * Source      SAS/STAT User's Guide, the CLUSTER procedure
 */
export function computeBimodalityCoefficient(
  moments: Pick<HistogramMoments, 'count' | 'skewness' | 'excessKurtosis'>,
): number {
  const { count: n, skewness, excessKurtosis } = moments;
  if (!(n > 3)) return NaN;
  const pairs = (n - 2) * (n - 3);
  const correctedSkewness = (skewness * Math.sqrt(n * (n - 1))) / (n - 2);
  const correctedKurtosis = ((n - 1) / pairs) * ((n + 1) * excessKurtosis + 6);
  return (correctedSkewness ** 2 + 1) / (correctedKurtosis + (3 * (n - 1) ** 2) / pairs);
}
