/**
 * How the reported steps of a window become at most `limit` buckets. Where they fit, each
 * step is one. Where they do not, buckets lie on the multiples of the smallest whole width
 * with which the window's first to last step fit, so that a step falls into the same bucket
 * whoever asks and whenever.
 */
import type { Database } from '../store/database';
import { findReportedSteps, findStepExtent, type StepExtent } from '../store/scan-steps';
import type { Segment } from '../store/trajectory';

export interface BucketPlan {
  readonly count: number;
  /** The last step of the plan; steps that arrive while it is read are left to the next read. */
  readonly lastStep: number;
  /** The bucket of a step; -1 for a step that the plan does not hold. */
  indexOf(step: number): number;
}

const EMPTY: BucketPlan = { count: 0, lastStep: -1, indexOf: () => -1 };

/** One bucket a step. `steps` ascend. */
export function planSteps(steps: readonly number[]): BucketPlan {
  const indices = new Map(steps.map((step, index) => [step, index]));
  return {
    count: steps.length,
    lastStep: steps.at(-1) ?? -1,
    indexOf: (step) => indices.get(step) ?? -1,
  };
}

/** The smallest whole width whose multiples cut `firstStep`…`lastStep` into at most `limit` buckets. */
export function smallestWidth({ firstStep, lastStep }: StepExtent, limit: number): number {
  const countOf = (width: number): number =>
    Math.floor(lastStep / width) - Math.floor(firstStep / width) + 1;
  // Below this no width can do, since `limit` buckets of it do not span the steps.
  let width = Math.max(1, Math.ceil((lastStep - firstStep + 1) / limit));
  // Where the ends fall on the wrong side of a multiple, one more bucket is needed.
  while (countOf(width) > limit) width++;
  return width;
}

/** Buckets on the multiples of the smallest width that fits. */
export function planAligned(extent: StepExtent, limit: number): BucketPlan {
  const width = smallestWidth(extent, limit);
  const firstBucket = Math.floor(extent.firstStep / width);
  const count = Math.floor(extent.lastStep / width) - firstBucket + 1;
  return {
    count,
    lastStep: extent.lastStep,
    indexOf: (step) => {
      const index = Math.floor(step / width) - firstBucket;
      return index < count && step <= extent.lastStep ? index : -1;
    },
  };
}

/** The plan for what the segments hold now. */
export async function planBuckets(
  db: Database,
  runKey: string,
  segments: readonly Segment[],
  limit: number,
): Promise<BucketPlan> {
  const steps = await findReportedSteps(db, runKey, segments, limit + 1);
  if (steps.length <= limit) return planSteps(steps);
  const extent = await findStepExtent(db, runKey, segments);
  return extent === null ? EMPTY : planAligned(extent, limit);
}

/** `segment` up to the plan's last step. */
export function withinPlan(segment: Segment, plan: BucketPlan): Segment {
  return { ...segment, toStep: Math.min(segment.toStep, plan.lastStep) };
}
