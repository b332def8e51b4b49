import type { TimelineQuery, TimelineReply } from '../contract/reads';
import { runScans } from '../store/reading/covered-scan';
import type { Database } from '../store/database';
import { ScalarScan } from '../store/reading/scan-scalars';
import { scalarColumns } from '../store/reading/scan-steps';
import type { Snapshot } from '../store/postgres/snapshot';
import { selectSegments } from '../store/runs/trajectory';
import { planBuckets } from './bucket-plan';
import { requireRunWindow } from './find-run';
import {
  type BucketColumns,
  BucketSteps,
  NO_BUCKETS,
  ScalarBuckets,
  toBuckets,
} from './scalar-buckets';
import { TimelineSink } from './timeline-sink';

const BUDGET_MS = 10;

/** Series with their points as columns. */
export interface TimelineColumns {
  readonly series: readonly { readonly name: string; readonly points: BucketColumns }[];
}

/**
 * Scalars over steps, at most `points` buckets each, all series in the same buckets. A
 * bucket without a value of its series is a gap; a series never reported has no points.
 *
 * Memory  of the answer, whatever the range
 * Throws  AppError `run_not_found`, `attempt_not_found`
 */
export function readTimelineColumns(
  db: Database,
  runId: string,
  query: TimelineQuery,
): Promise<TimelineColumns> {
  return db.readSnapshot((snapshot) => readFrom(snapshot, runId, query));
}

/** The same with their points as objects. */
export async function readTimeline(
  ...asked: Parameters<typeof readTimelineColumns>
): Promise<TimelineReply> {
  const { series } = await readTimelineColumns(...asked);
  return { series: series.map(({ name, points }) => ({ name, points: toBuckets(points) })) };
}

async function readFrom(
  snapshot: Snapshot,
  runId: string,
  query: TimelineQuery,
): Promise<TimelineColumns> {
  const { run, asked, window } = await requireRunWindow(snapshot, runId, (known) => ({
    segments: selectSegments(known, query.attempt, query),
    columns: scalarColumns(known.names.scalar, query.series),
    maxSteps: query.points,
    metricId: null,
  }));
  const { columns } = asked;
  // A row of `step` holds all of its scalars, so that a level costs as much as one series.
  const plan = planBuckets(window, query.points, { layers: 1, planes: 1, budgetMs: BUDGET_MS });
  const steps = new BucketSteps(plan.count);
  const series = query.series.map(() => new ScalarBuckets(plan.count));
  const sink = new TimelineSink(plan, steps, series);
  if (plan.steps === null) {
    const { runKey } = run;
    const { parts } = window;
    const { topLevel, width: bucketSteps } = plan;
    await runScans(snapshot, [
      new ScalarScan({ runKey, parts, topLevel, columns, bucketSteps }, sink),
    ]);
  } else {
    for (const reported of plan.steps) sink.addStep(reported);
  }
  return {
    series: query.series.map((name, position) => ({
      name,
      points:
        columns[position] === null
          ? NO_BUCKETS
          : (series[position]?.toColumns(steps) ?? NO_BUCKETS),
    })),
  };
}
