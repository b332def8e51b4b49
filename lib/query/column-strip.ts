/** What the columns of a heatmap say besides their layers. */
import type { ScalarSink, ScalarSummary } from '../store/reading/scan-scalars';
import type { ScannedStep, StepPlace } from '../store/reading/step-window';
import type { BucketPlan } from './bucket-plan';
import { BucketSteps, LastValues, ScalarBuckets } from './scalar-buckets';

/** Loss and norm keep their highest value, the others their last. */
export const COLUMN_SCALARS = ['loss', 'gradient_norm', 'learning_rate', 'wall_time'] as const;
type ColumnScalar = (typeof COLUMN_SCALARS)[number];

export class ColumnStrip implements ScalarSink {
  readonly steps: BucketSteps;
  readonly loss: ScalarBuckets;
  readonly #gradientNorm: ScalarBuckets;
  readonly #learningRate: LastValues;
  readonly #wallTime: LastValues;

  constructor(private readonly plan: BucketPlan) {
    const { count } = plan;
    this.steps = new BucketSteps(count);
    this.loss = new ScalarBuckets(count);
    this.#gradientNorm = new ScalarBuckets(count);
    this.#learningRate = new LastValues(count);
    this.#wallTime = new LastValues(count);
  }

  addStep(reported: ScannedStep): void {
    const { step, values } = reported;
    const bucket = this.plan.indexOf(step);
    if (bucket < 0) return;
    this.steps.add(bucket, step);
    const [loss = null, gradientNorm = null, learningRate = null, wallTime = null] = values;
    if (loss !== null) this.loss.add(bucket, loss);
    if (gradientNorm !== null) this.#gradientNorm.add(bucket, gradientNorm);
    if (learningRate !== null) this.#learningRate.add(bucket, reported, learningRate);
    if (wallTime !== null) this.#wallTime.add(bucket, reported, wallTime);
  }

  addSteps(firstStep: number, lastStep: number): void {
    const bucket = this.plan.indexOf(firstStep);
    if (bucket >= 0) this.steps.add(bucket, firstStep, lastStep);
  }

  addSummary(position: number, place: StepPlace, summary: ScalarSummary): void {
    const bucket = this.plan.indexOf(place.step);
    const name: ColumnScalar | undefined = COLUMN_SCALARS[position];
    if (bucket < 0) return;
    if (name === 'loss') this.loss.addSummary(bucket, summary);
    if (name === 'gradient_norm') this.#gradientNorm.addSummary(bucket, summary);
    if (name === 'learning_rate') this.#learningRate.add(bucket, place, summary.last);
    if (name === 'wall_time') this.#wallTime.add(bucket, place, summary.last);
  }

  /** Ascending. */
  reportedBuckets(): number[] {
    const buckets: number[] = [];
    for (let bucket = 0; bucket < this.plan.count; bucket++) {
      if (this.steps.isReported(bucket)) buckets.push(bucket);
    }
    return buckets;
  }

  /** Those that were reported at all, of the named buckets. */
  scalarsOf(buckets: readonly number[]): ReadonlyMap<string, Float64Array> {
    const norm = this.#gradientNorm;
    const scalars = new Map<string, Float64Array>();
    if (buckets.some((bucket) => norm.isReported(bucket))) {
      scalars.set(
        'gradient_norm',
        columnOf(buckets, (bucket) => norm.max(bucket)),
      );
    }
    for (const [name, last] of [
      ['learning_rate', this.#learningRate],
      ['wall_time', this.#wallTime],
    ] as const) {
      if (!last.isReported) continue;
      scalars.set(
        name,
        columnOf(buckets, (bucket) => last.values[bucket] ?? NaN),
      );
    }
    return scalars;
  }
}

/** A column of what `read` says of each bucket; several times as fast as Float64Array.from. */
export function columnOf(
  buckets: readonly number[],
  read: (bucket: number) => number,
): Float64Array<ArrayBuffer> {
  const column = new Float64Array(buckets.length);
  for (let index = 0; index < buckets.length; index++) column[index] = read(buckets[index] ?? 0);
  return column;
}
