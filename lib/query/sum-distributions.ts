import { AppError } from '../contract/app-error';
import type { DistributionBucket, DistributionsQuery } from '../contract/reads';
import type { PreparedQuery } from '../store/postgres/prepared-read';
import type { ReadableRun } from '../store/reading/readable-run';
import type { Snapshot } from '../store/postgres/snapshot';
import { findStepWindow } from '../store/reading/step-window';
import { sumHistograms } from '../store/reading/sum-histograms';
import { selectSegments } from '../store/runs/trajectory';

export interface SummedDistributions {
  readonly buckets: DistributionBucket[];
  /** Of those that the range has steps of. */
  readonly newestAttempt: number;
}

/**
 * The distributions of one layer in at most `limit` aligned buckets of 4^k steps, each the
 * sum over all of its steps that reported. `others` go with the first round trip.
 *
 * Throws  AppError `attempt_not_found`, and `invalid_query` together with `step`
 */
export async function sumDistributions(
  snapshot: Snapshot,
  run: ReadableRun,
  layer: number,
  { attempt, fromStep, toStep, step, limit }: DistributionsQuery,
  others: readonly PreparedQuery[],
): Promise<SummedDistributions> {
  if (step !== undefined) {
    throw new AppError('invalid_query', 'reduce=sum needs a range: fromStep and toStep, not step');
  }
  const segments = selectSegments(run, attempt, { fromStep, toStep });
  const scope = { segments, columns: [], maxSteps: 0, metricId: null };
  const { parts } = await findStepWindow(snapshot, run, scope, others);
  const newestAttempt = parts.at(-1)?.attempt ?? run.newestAttempt;
  if (parts.length === 0) return { buckets: [], newestAttempt };
  const firstStep = Math.min(...parts.map((part) => part.firstStep));
  const lastStep = Math.max(...parts.map((part) => part.lastStep));
  const stretchSteps = chooseStretch(firstStep, lastStep, limit);
  const kinds = new Map(Array.from(run.names.histogram, ([name, id]) => [id, name]));
  const buckets: DistributionBucket[] = [];
  let open = -1;
  const asked = { runKey: run.runKey, parts, layer, stretchSteps };
  for (const sum of await sumHistograms(snapshot, asked)) {
    if (sum.stretch !== open) {
      open = sum.stretch;
      buckets.push({
        fromStep: Math.max(firstStep, open * stretchSteps),
        toStep: Math.min(lastStep, (open + 1) * stretchSteps - 1),
        distributions: [],
      });
    }
    const [underflow = 0, overflow = 0, zeros = 0, nonFinite = 0] = sum.outside;
    buckets.at(-1)?.distributions.push({
      kind: kinds.get(sum.kindId) ?? '',
      edges: [...sum.edges],
      counts: [...sum.counts],
      underflow,
      overflow,
      zeros,
      nonFinite,
      stepCount: sum.stepCount,
    });
  }
  return { buckets, newestAttempt };
}

/** The shortest power of four whose multiples cut the steps into at most `limit`. */
export function chooseStretch(firstStep: number, lastStep: number, limit: number): number {
  let steps = 1;
  while (Math.floor(lastStep / steps) - Math.floor(firstStep / steps) >= limit) steps *= 4;
  return steps;
}
