/** Moments of the population straight from their definitions, kurtosis less 3. */
export function momentsOf(values: ArrayLike<number>) {
  const count = values.length;
  const average = (of: (x: number) => number) =>
    Array.from(values).reduce((sum, x) => sum + of(x), 0) / count;
  const mean = average((x) => x);
  const variance = average((x) => (x - mean) ** 2);
  return {
    count,
    mean,
    std: Math.sqrt(variance),
    skewness: average((x) => (x - mean) ** 3) / variance ** 1.5,
    excessKurtosis: average((x) => (x - mean) ** 4) / variance ** 2 - 3,
  };
}
