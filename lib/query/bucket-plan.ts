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

/**
 * Widths that are tried one by one. Windows of training runs need a few; one of few steps
 * far from 0, asked for in one bucket, would need as many as its steps are far.
 */
const MAX_TRIES = 10_000;

/**
 * A whole width whose multiples cut `firstStep`…`lastStep` into at most `limit` buckets:
 * the smallest, or where that is not found within MAX_TRIES one that is sure to do.
 */
export function findWidth({ firstStep, lastStep }: StepExtent, limit: number): number {
  const span = lastStep - firstStep + 1;
  const countOf = (width: number): number =>
    Math.floor(lastStep / width) - Math.floor(firstStep / width) + 1;
  // Below this no width can do, since `limit` buckets of it do not span the steps.
  const least = Math.max(1, Math.ceil(span / limit));
  // Where the ends fall on the wrong side of a multiple, one more bucket is needed.
  for (let width = least; width < least + MAX_TRIES; width++) {
    if (countOf(width) <= limit) return width;
  }
  // `limit` − 1 whole buckets span the steps, and the one more is there; a single bucket
  // that begins at 0 holds everything.
  return limit > 1 ? Math.ceil(span / (limit - 1)) : lastStep + 1;
}

/** Buckets on the multiples of a width that fits. */
export function planAligned(extent: StepExtent, limit: number): BucketPlan {
  const width = findWidth(extent, limit);
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
