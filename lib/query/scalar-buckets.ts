import type { Bucket } from '../contract/reads';
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

/**
 * One scalar reduced to buckets: extremes, mean and count over the finite values, and how
 * many were not finite. The order of the values does not matter, but for the last digits
 * of the mean.
 */
export class ScalarBuckets {
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  readonly #sum: Float64Array;
  readonly #finiteCount: Uint32Array;
  readonly #nonFiniteCount: Uint32Array;

  constructor(count: number) {
    this.#min = new Float64Array(count).fill(Infinity);
    this.#max = new Float64Array(count).fill(-Infinity);
    this.#sum = new Float64Array(count);
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
    this.#sum[index] = (this.#sum[index] ?? 0) + value;
    this.#finiteCount[index] = (this.#finiteCount[index] ?? 0) + 1;
  }

  /** Adds what many values come to. */
  addSummary(index: number, summary: Omit<ScalarSummary, 'last'>): void {
    const { finite, nonFinite, min, max, mean } = summary;
    this.#nonFiniteCount[index] = (this.#nonFiniteCount[index] ?? 0) + nonFinite;
    if (finite === 0) return;
    this.#min[index] = Math.min(this.#min[index] ?? Infinity, min);
    this.#max[index] = Math.max(this.#max[index] ?? -Infinity, max);
    this.#sum[index] = (this.#sum[index] ?? 0) + mean * finite;
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

  toBucket(index: number, steps: BucketSteps): Bucket {
    const finiteCount = this.#finiteCount[index] ?? 0;
    const hasValue = finiteCount > 0;
    return {
      fromStep: steps.fromStep[index] ?? 0,
      toStep: steps.toStep[index] ?? 0,
      min: hasValue ? (this.#min[index] ?? null) : null,
      max: hasValue ? (this.#max[index] ?? null) : null,
      mean: hasValue ? (this.#sum[index] ?? 0) / finiteCount : null,
      nonFiniteCount: this.#nonFiniteCount[index] ?? 0,
    };
  }

  /** The reported buckets, ascending. */
  toBuckets(steps: BucketSteps): Bucket[] {
    const buckets: Bucket[] = [];
    for (let index = 0; index < steps.count; index++) {
      if (steps.isReported(index)) buckets.push(this.toBucket(index, steps));
    }
    return buckets;
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
