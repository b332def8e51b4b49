/**
 * The metric `stage`, read from the intervals that are stored: a column a step would be
 * the same number a thousand times over.
 */
import { stageCode } from '../contract/stages';
import type { RunOutline } from '../store/runs/run-context';
import type { RowReader } from '../store/postgres/snapshot';
import { findStageIntervals } from '../store/findings/stages';
import type { Segment } from '../store/runs/trajectory';
import type { BucketSteps } from './scalar-buckets';

export const STAGE_METRIC = 'stage';

/** A layer that has one stage in buckets `fromBucket`…`toBucket`, both inclusive. */
export interface StageRun {
  readonly layer: number;
  readonly code: number;
  readonly fromBucket: number;
  readonly toBucket: number;
}

/** Reported buckets in ascending order, by their first and last step. */
class ReportedBuckets {
  readonly #indices: number[] = [];

  constructor(private readonly steps: BucketSteps) {
    for (let index = 0; index < steps.count; index++) {
      if (steps.isReported(index)) this.#indices.push(index);
    }
  }

  /** Whose first…last step touches the range; null when none does. */
  touching(fromStep: number, toStep: number): { from: number; to: number } | null {
    const { steps } = this;
    const first = this.#count((index) => (steps.toStep[index] ?? 0) < fromStep);
    const end = this.#count((index) => (steps.fromStep[index] ?? 0) <= toStep);
    const from = this.#indices[first];
    const to = this.#indices[end - 1];
    return from === undefined || to === undefined || first >= end ? null : { from, to };
  }

  /** How many buckets from the first on satisfy a condition that no later one does again. */
  #count(isBefore: (index: number) => boolean): number {
    let low = 0;
    let high = this.#indices.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(this.#indices[middle] ?? 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The stages of a range of steps, as runs of buckets. `layer`: of one layer alone. */
export async function findStageRuns(
  reader: RowReader,
  { runKey }: Pick<RunOutline, 'runKey'>,
  { segments, steps }: { readonly segments: readonly Segment[]; readonly steps: BucketSteps },
  layer?: number,
): Promise<StageRun[]> {
  const buckets = new ReportedBuckets(steps);
  const runs: StageRun[] = [];
  for (const segment of segments) {
    for (const interval of await findStageIntervals(reader, runKey, [segment], layer)) {
      const touched = buckets.touching(
        Math.max(interval.fromStep, segment.fromStep),
        Math.min(interval.toStep ?? segment.toStep, segment.toStep),
      );
      if (touched === null) continue;
      runs.push({
        layer: interval.layer,
        code: stageCode(interval.stage),
        fromBucket: touched.from,
        toBucket: touched.to,
      });
    }
  }
  return runs;
}
