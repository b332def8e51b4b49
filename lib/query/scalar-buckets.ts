import type { Bucket } from '../contract/reads';
import { MeanSums } from '../store/mean-sums';
import type { ScalarSummary } from '../store/reading/scan-scalars';
import type { StepPlace } from '../store/reading/step-window';

/** First and last reported step of each bucket; a bucket that no step fell into stays unreported. */
export class BucketSteps {
  readonly fromStep: Float64Array;
  readonly toStep: Float64Array;

  constructor(readonly count: number) {
    this.fromStep = new Float64Array(count).fill(Infinity);
    this.toStep = new Float64Array(count).fill(-Infinity);
  }

  add(index: number, fromStep: number, toStep = fromStep): void {
    this.fromStep[index] = Math.min(this.fromStep[index] ?? Infinity, fromStep);
    this.toStep[index] = Math.max(this.toStep[index] ?? -Infinity, toStep);
  }

  isReported(index: number): boolean {
    return this.fromStep[index] !== Infinity;
  }
}

/** The reported buckets of one scalar, ascending, as columns; NaN where there is no finite value. */
export interface BucketColumns {
  readonly count: number;
  readonly fromStep: Float64Array;
  readonly toStep: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly mean: Float64Array;
  readonly nonFiniteCount: Uint32Array;
}

/** Of a metric that was never reported. */
export const NO_BUCKETS: BucketColumns = {
  count: 0,
  fromStep: new Float64Array(),
  toStep: new Float64Array(),
  min: new Float64Array(),
  max: new Float64Array(),
  mean: new Float64Array(),
  nonFiniteCount: new Uint32Array(),
};

/** The same as objects. */
export function toBuckets(columns: BucketColumns): Bucket[] {
  const { count, fromStep, toStep, min, max, mean, nonFiniteCount } = columns;
  const finiteOrNull = (value = NaN): number | null => (Number.isFinite(value) ? value : null);
  return Array.from({ length: count }, (_, index) => ({
    fromStep: fromStep[index] ?? 0,
    toStep: toStep[index] ?? 0,
    min: finiteOrNull(min[index]),
    max: finiteOrNull(max[index]),
    mean: finiteOrNull(mean[index]),
    nonFiniteCount: nonFiniteCount[index] ?? 0,
  }));
}

/**
 * One scalar reduced to buckets: extremes, mean and count over the finite values, and how
 * many were not finite. The order of the values does not matter, but for the last digits
 * of the mean.
 */
export class ScalarBuckets {
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  readonly #sums: MeanSums;
  readonly #finiteCount: Uint32Array;
  readonly #nonFiniteCount: Uint32Array;

  constructor(count: number) {
    this.#min = new Float64Array(count).fill(Infinity);
    this.#max = new Float64Array(count).fill(-Infinity);
    this.#sums = new MeanSums(count);
    this.#finiteCount = new Uint32Array(count);
    this.#nonFiniteCount = new Uint32Array(count);
  }

  add(index: number, value: number): void {
    if (!Number.isFinite(value)) {
      this.#nonFiniteCount[index] = (this.#nonFiniteCount[index] ?? 0) + 1;
      return;
    }
    this.#min[index] = Math.min(this.#min[index] ?? Infinity, value);
    this.#max[index] = Math.max(this.#max[index] ?? -Infinity, value);
    this.#sums.add(index, value);
    this.#finiteCount[index] = (this.#finiteCount[index] ?? 0) + 1;
  }

  /** Adds what many values come to. */
  addSummary(index: number, summary: Omit<ScalarSummary, 'last'>): void {
    const { finite, nonFinite, min, max, mean } = summary;
    this.#nonFiniteCount[index] = (this.#nonFiniteCount[index] ?? 0) + nonFinite;
    if (finite === 0) return;
    this.#min[index] = Math.min(this.#min[index] ?? Infinity, min);
    this.#max[index] = Math.max(this.#max[index] ?? -Infinity, max);
    this.#sums.add(index, mean, finite);
    this.#finiteCount[index] = (this.#finiteCount[index] ?? 0) + finite;
  }

  /** Whether anything was added. */
  isReported(index: number): boolean {
    return (this.#finiteCount[index] ?? 0) + (this.#nonFiniteCount[index] ?? 0) > 0;
  }

  /** NaN where there is no finite value. */
  max(index: number): number {
    return (this.#finiteCount[index] ?? 0) > 0 ? (this.#max[index] ?? NaN) : NaN;
  }

  /** The reported buckets; all memory is the reply's own. */
  toColumns(steps: BucketSteps): BucketColumns {
    const { count } = steps;
    const columns = {
      fromStep: new Float64Array(count),
      toStep: new Float64Array(count),
      min: new Float64Array(count),
      max: new Float64Array(count),
      mean: new Float64Array(count),
      nonFiniteCount: new Uint32Array(count),
    };
    let at = 0;
    for (let index = 0; index < count; index++) {
      const fromStep = steps.fromStep[index] ?? Infinity;
      if (fromStep === Infinity) continue;
      const finiteCount = this.#finiteCount[index] ?? 0;
      const hasValue = finiteCount > 0;
      columns.fromStep[at] = fromStep;
      columns.toStep[at] = steps.toStep[index] ?? 0;
      columns.min[at] = hasValue ? (this.#min[index] ?? NaN) : NaN;
      columns.max[at] = hasValue ? (this.#max[index] ?? NaN) : NaN;
      columns.mean[at] = hasValue ? this.#sums.mean(index, finiteCount) : NaN;
      columns.nonFiniteCount[at] = this.#nonFiniteCount[index] ?? 0;
      at++;
    }
    return { count: at, ...columns };
  }
}

/** Of each bucket the newest attempt's value at its highest step that has one. */
export class LastValues {
  readonly values: Float64Array;
  readonly #attempts: Int32Array;
  readonly #steps: Float64Array;
  isReported = false;

  constructor(count: number) {
    this.values = new Float64Array(count).fill(NaN);
    this.#attempts = new Int32Array(count);
    this.#steps = new Float64Array(count);
  }

  /** `step`: the value's, or the first of a bucket that says it of all its steps. */
  add(index: number, { attempt, step }: StepPlace, value: number): void {
    this.isReported = true;
    const known = this.#attempts[index] ?? 0;
    if (attempt < known || (attempt === known && step < (this.#steps[index] ?? 0))) return;
    this.#attempts[index] = attempt;
    this.#steps[index] = step;
    this.values[index] = value;
  }
}
