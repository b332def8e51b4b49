import type { HistogramMoments } from './histogram-moments';

/** Means of the powers of n values: E x, E x², E x³, E x⁴. */
export interface RawMoments {
  readonly count: number;
  readonly first: number;
  readonly second: number;
  readonly third: number;
  readonly fourth: number;
}

/** As of a histogram, so that one function takes either. */
export type CentralMoments = Omit<HistogramMoments, 'nonFiniteCount'>;

/**
 * Mean, variance, skewness and excess kurtosis from the means of powers, for a job that
 * posts those and no histogram.
 *
 * Shape       five scalars → six
 * Units       those of x, their square for the variance
 * Empty       NaN for every moment with no values; NaN skewness and kurtosis where all are equal
 * NaN/Inf     passed through
 * Definition  of the population (divided by n), kurtosis less 3. The differences of powers
 *             lose digits as (mean/std)⁴: good to 6 digits up to |mean| = 100 std, which r
 *             and u never reach. A variance that rounding made negative is 0
 * Source      scipy.stats.skew, scipy.stats.kurtosis, bias=True
 */
export function computeCentralMoments(raw: RawMoments): CentralMoments {
  const { count, first: mean, second, third, fourth } = raw;
  if (count === 0) {
    return { count, mean: NaN, variance: NaN, std: NaN, skewness: NaN, excessKurtosis: NaN };
  }
  const square = mean * mean;
  const difference = second - square;
  const variance = difference < 0 ? 0 : difference;
  const std = Math.sqrt(variance);
  const thirdCentral = third - 3 * mean * second + 2 * mean * square;
  const fourthCentral = fourth - 4 * mean * third + 6 * square * second - 3 * square * square;
  return {
    count,
    mean,
    variance,
    std,
    skewness: variance === 0 ? NaN : thirdCentral / (variance * std),
    excessKurtosis: variance === 0 ? NaN : fourthCentral / (variance * variance) - 3,
  };
}
