import { bitsOf, MISSING_FLOAT32_BITS } from '../contract/missing-value';
import type { BucketCells, LayerSink, Plane, StepCells } from '../store/reading/scan-layers';
import type { BucketPlan } from './bucket-plan';
import type { ScalarBuckets } from './scalar-buckets';
import type { SeenSteps } from './seen-steps';

/** All of a rollup: a series shows extremes and mean together. */
export const SERIES_PLANES: readonly Plane[] = ['minimum', 'maximum', 'mean'];

/** One layer of one metric, reduced to the buckets of a plan. */
export class LayerSeries implements LayerSink {
  constructor(
    private readonly plan: BucketPlan,
    private readonly values: ScalarBuckets,
    private readonly seen: SeenSteps,
  ) {}

  addSteps({ steps, from, end, values }: StepCells): void {
    const bits = bitsOf(values);
    for (let index = from; index < end; index++) {
      const bucket = this.plan.indexOf(steps[index] ?? -1);
      if (bucket < 0) continue;
      this.seen.add(bucket, 1);
      if (bits[index] !== MISSING_FLOAT32_BITS) this.values.add(bucket, values[index] ?? NaN);
    }
  }

  addBuckets({ steps, from, end, reported, planes, exceptions }: BucketCells): void {
    const n = steps.length;
    const [minimum, maximum, mean] = SERIES_PLANES.map((plane) => planes.get(plane));
    for (let index = from; index < end; index++) {
      const bucket = this.plan.indexOf(steps[index] ?? -1);
      if (bucket < 0) continue;
      this.seen.add(bucket, reported[index] ?? 0);
      this.values.addSummary(bucket, {
        finite: exceptions === null ? (reported[index] ?? 0) : (exceptions[index] ?? 0),
        nonFinite: exceptions === null ? 0 : (exceptions[n + index] ?? 0),
        min: minimum?.[index] ?? NaN,
        max: maximum?.[index] ?? NaN,
        mean: mean?.[index] ?? NaN,
      });
    }
  }
}
