/** One distribution as a histogram. */
export interface Histogram {
  /** [B + 1] finite, strictly increasing. */
  readonly edges: Float32Array;
  /** [B] */
  readonly counts: Uint32Array;
  /** [4] underflow, overflow, exact zeros, non-finite. */
  readonly outside: Uint32Array;
}

export interface HistogramMoments {
  /** Values that the moments are of: bins, exact zeros, underflow and overflow. */
  readonly count: number;
  readonly nonFiniteCount: number;
  readonly mean: number;
  readonly variance: number;
  readonly std: number;
  /** Third central moment / std³; NaN where std is 0. */
  readonly skewness: number;
  /** Fourth central moment / variance², less 3: 0 for a normal; NaN where std is 0. */
  readonly excessKurtosis: number;
}

/**
 * Moments of a histogram read as a piecewise-linear distribution function: each bin holds
 * a uniform density, exact zeros are an atom at 0.
 *
 * Shape       B ≥ 1 bins → six scalars
 * Units       those of the edges, their square for the variance
 * Empty       count 0 and NaN for every moment
 * NaN/Inf     non-finite values are counted apart and in no moment
 * Definition  of the population. Underflow and overflow count as atoms on the first and
 *             the last edge, nearer than their values lay, so with them the std errs low.
 *             A bin adds width²/12 to the variance that its centre would give.
 * Throws      RangeError when counts, edges and outside do not fit each other
 * Cost        two passes over the bins: the second is around the mean, so that no digits
 *             are lost to it
 */
export function computeHistogramMoments(histogram: Histogram): HistogramMoments {
  const { edges, counts, outside } = histogram;
  if (counts.length < 1 || edges.length !== counts.length + 1 || outside.length !== 4) {
    throw new RangeError(
      `expected B counts, B + 1 edges and 4 outside, got ${counts.length}, ${edges.length} and ${outside.length}`,
    );
  }
  const [underflow = 0, overflow = 0, zeros = 0, nonFiniteCount = 0] = outside;
  const first = edges[0] ?? 0;
  const last = edges[counts.length] ?? 0;

  let count = underflow + overflow + zeros;
  let sum = underflow * first + overflow * last;
  for (let bin = 0; bin < counts.length; bin++) {
    const inBin = counts[bin] ?? 0;
    count += inBin;
    sum += inBin * (((edges[bin] ?? 0) + (edges[bin + 1] ?? 0)) / 2);
  }
  const mean = sum / count;

  let second = 0;
  let third = 0;
  let fourth = 0;
  const addAtom = (weight: number, at: number): void => {
    if (weight === 0) return;
    const square = (at - mean) ** 2;
    second += weight * square;
    third += weight * square * (at - mean);
    fourth += weight * square * square;
  };
  addAtom(underflow, first);
  addAtom(overflow, last);
  addAtom(zeros, 0);
  for (let bin = 0; bin < counts.length; bin++) {
    const inBin = counts[bin] ?? 0;
    if (inBin === 0) continue;
    // Powers of a uniform on [a, b]: E x² = (a² + ab + b²)/3 and so on.
    const a = (edges[bin] ?? 0) - mean;
    const b = (edges[bin + 1] ?? 0) - mean;
    const aa = a * a;
    const bb = b * b;
    second += (inBin * (aa + a * b + bb)) / 3;
    third += (inBin * (a + b) * (aa + bb)) / 4;
    fourth += (inBin * (aa * aa + aa * a * b + aa * bb + a * b * bb + bb * bb)) / 5;
  }
  const variance = second / count;
  const std = Math.sqrt(variance);
  return {
    count,
    nonFiniteCount,
    mean,
    variance,
    std,
    skewness: third / count / (variance * std),
    excessKurtosis: fourth / count / (variance * variance) - 3,
  };
}
