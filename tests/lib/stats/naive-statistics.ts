/** The definitions, written as plainly as they read: what the fast code is checked against. */

const isFinite32 = (x: number) => Number.isFinite(Math.fround(x));
const divide = (a: number, b: number) => (a === 0 && b === 0 ? 0 : a / b);
const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const std = (values: number[]) => Math.sqrt(mean(values.map((x) => (x - mean(values)) ** 2)));
const share = (values: number[], test: (x: number) => boolean) =>
  values.filter(test).length / values.length;

export interface PlainSample {
  readonly gradient: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
}

export function ratiosOf({ firstMoment, secondMoment }: PlainSample): number[] {
  return Array.from(firstMoment, (m, i) => divide(m, Math.sqrt(secondMoment[i]!)));
}

export function updatesOf({ firstMoment, secondMoment }: PlainSample, epsilon: number): number[] {
  return Array.from(firstMoment, (m, i) => divide(m, Math.sqrt(secondMoment[i]!) + epsilon));
}

export function naiveStatistics(sample: PlainSample, epsilon: number, parameterCount: number) {
  const g = [...sample.gradient];
  const v = [...sample.secondMoment].filter((x) => x >= 0 && x < Infinity && !Object.is(x, -0));
  const u = updatesOf(sample, epsilon).filter(isFinite32);
  const r = ratiosOf(sample).filter(isFinite32);
  const scaled = g.map((x, i) => {
    const root = Math.sqrt(sample.secondMoment[i]!);
    return divide(x, Math.max(root, epsilon));
  });
  const rms = Math.sqrt(mean(g.map((x) => x * x)));
  return {
    gradient_norm: rms * Math.sqrt(parameterCount),
    gradient_rms: rms,
    gradient_abs_max: g.reduce((max, x) => Math.max(max, Math.abs(x)), 0),
    gradient_nonfinite_count: share(g, (x) => !Number.isFinite(x)) * parameterCount,
    gradient_below_epsilon_fraction: share(g.filter(Number.isFinite), (x) => Math.abs(x) < epsilon),
    second_moment_below_epsilon_fraction: share(v, (x) => Math.sqrt(x) < epsilon),
    update_mean: mean(u),
    update_std: std(u),
    update_abs_max: u.length === 0 ? NaN : Math.fround(Math.max(...u.map(Math.abs))),
    update_small_fraction: share(u, (x) => Math.fround(Math.abs(x)) < 0.01),
    ratio_std: std(r),
    rms: Math.sqrt(mean(scaled.map((x) => x * x))),
  };
}

/** [underflow, bins…, overflow] and zeros, by searching the edges for every value. */
export function naiveCounts(values: readonly number[], edges: Float32Array) {
  const counts = new Uint32Array(edges.length - 1);
  const outside = new Uint32Array(4);
  for (const value of values) {
    const x = Math.fround(value);
    if (!Number.isFinite(x)) outside[3]!++;
    else if (x === 0) outside[2]!++;
    else if (x <= edges[0]!) outside[0]!++;
    else if (x >= edges.at(-1)!) outside[1]!++;
    else {
      const bin = counts.findIndex((_, i) =>
        x > 0 ? edges[i]! <= x && x < edges[i + 1]! : edges[i]! < x && x <= edges[i + 1]!,
      );
      counts[bin]!++;
    }
  }
  return { counts, outside };
}
