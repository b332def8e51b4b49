import type { ScalarSink, ScalarSummary } from '../store/reading/scan-scalars';
import type { ScannedStep, StepPlace } from '../store/reading/step-window';
import type { BucketPlan } from './bucket-plan';
import type { BucketSteps, ScalarBuckets } from './scalar-buckets';

/** Scalars, each reduced to the buckets of a plan. */
export class TimelineSink implements ScalarSink {
  constructor(
    private readonly plan: BucketPlan,
    private readonly steps: BucketSteps,
    /** In the order of the columns. */
    private readonly series: readonly ScalarBuckets[],
  ) {}

  addStep({ step, values }: ScannedStep): void {
    const bucket = this.plan.indexOf(step);
    if (bucket < 0) return;
    this.steps.add(bucket, step);
    for (let position = 0; position < this.series.length; position++) {
      const value = values[position] ?? null;
      if (value !== null) this.series[position]?.add(bucket, value);
    }
  }

  addSteps(firstStep: number, lastStep: number): void {
    const bucket = this.plan.indexOf(firstStep);
    if (bucket >= 0) this.steps.add(bucket, firstStep, lastStep);
  }

  addSummary(position: number, { step }: StepPlace, summary: ScalarSummary): void {
    const bucket = this.plan.indexOf(step);
    if (bucket >= 0) this.series[position]?.addSummary(bucket, summary);
  }
}
