/** What a step reports of one scalar, or of one metric of the layers that a rule names. */
import { bitsOf, MISSING_FLOAT32_BITS } from '../contract/missing-value';
import type { AlertStep } from './rule-fold';

/** The key of a scalar among layers. */
export const SCALAR = -1;

export interface Series {
  readonly metric: string;
  /** Without it the metric is a scalar. */
  readonly layers?: string | undefined;
}

/** Calls `take` for each value that was reported, NaN and infinities too, by layer. */
export function eachReported(
  { metric, layers }: Series,
  { scalars, layerMetrics }: AlertStep,
  mask: Uint8Array,
  take: (value: number, layer: number) => void,
): void {
  if (layers === undefined) {
    const value = scalars.get(metric);
    if (value !== undefined) take(value, SCALAR);
    return;
  }
  const column = layerMetrics.get(metric);
  if (column === undefined) return;
  const bits = bitsOf(column);
  for (let layer = 0; layer < column.length; layer++) {
    if (mask[layer] !== 1 || bits[layer] === MISSING_FLOAT32_BITS) continue;
    take(column[layer] ?? NaN, layer);
  }
}

/** Reports in a row that were bad, of each series that is. */
export class Streaks {
  readonly #openAfter: number;
  readonly #counts: Map<number, number>;

  constructor(openAfter: number, saved: readonly (readonly [number, number])[]) {
    this.#openAfter = openAfter;
    this.#counts = new Map(saved);
  }

  /** Whether the series has now been bad for long enough. */
  note(series: number, isBad: boolean): boolean {
    if (!isBad) {
      if (this.#counts.size > 0) this.#counts.delete(series);
      return false;
    }
    const count = Math.min((this.#counts.get(series) ?? 0) + 1, this.#openAfter);
    this.#counts.set(series, count);
    return count >= this.#openAfter;
  }

  save(): [number, number][] {
    return [...this.#counts];
  }
}
