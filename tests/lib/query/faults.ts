import { expect } from 'vitest';
import type { Bucket } from '@/lib/contract/reads';
import type { Cell } from '@/tests/lib/store/compaction/brute-rollup';
import { type Reduced, reduceCells } from './stored-runs';

/** Says what is wrong; thousands of values are too many for an `expect` each. */
export class Faults {
  readonly #faults: string[] = [];

  same(actual: number | null | undefined, expected: number | null, what: string): void {
    if (!Object.is(actual ?? NaN, expected ?? NaN)) this.#add(what, actual, expected);
  }

  /** The mean of numbers of both signs is as exact as the largest of them. */
  mean(actual: number | null | undefined, { mean, min, max }: Reduced, what: string): void {
    const tolerance = 1e-6 * Math.max(Math.abs(min ?? 0), Math.abs(max ?? 0));
    const isRight =
      mean === null ? Number.isNaN(actual ?? NaN) : Math.abs((actual ?? NaN) - mean) <= tolerance;
    if (!isRight) this.#add(what, actual, mean);
  }

  point(point: Bucket | undefined, cells: readonly Cell[], what: string): void {
    const reduced = reduceCells(cells);
    this.same(point?.min, reduced.min, `${what} min`);
    this.same(point?.max, reduced.max, `${what} max`);
    this.same(point?.nonFiniteCount, reduced.nonFiniteCount, `${what} non-finite`);
    this.mean(point?.mean, reduced, `${what} mean`);
  }

  expectNone(): void {
    expect(this.#faults.slice(0, 5)).toEqual([]);
  }

  #add(what: string, actual: unknown, expected: unknown): void {
    this.#faults.push(`${what}: ${String(actual)} instead of ${String(expected)}`);
  }
}
