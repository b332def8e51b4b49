export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly lowest: number;
  readonly highest: number;
}

export function toQuantiles(values: readonly number[]): Quantiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q: number): number => valueAt(sorted, q);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), lowest: at(0), highest: at(1) };
}

/** The value that a share `q` of all lies below; NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  return valueAt(
    values.toSorted((a, b) => a - b),
    q,
  );
}

function valueAt(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}
