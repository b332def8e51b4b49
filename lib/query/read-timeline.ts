import type { TimelineQuery, TimelineReply } from '../contract/reads';
import type { Database } from '../store/database';
import { findScalarColumns, scanSteps } from '../store/scan-steps';
import { selectSegments } from '../store/trajectory';
import { planBuckets, withinPlan } from './bucket-plan';
import { requireRun } from './find-run';
import { BucketSteps, ScalarBuckets } from './scalar-buckets';

/**
 * Scalars over steps, at most `points` buckets each, all series in the same buckets. A
 * bucket without a value of its series is a gap; a series never reported has no points.
 *
 * Memory  of the answer, whatever the range
 * Throws  AppError `run_not_found`, `attempt_not_found`
 */
export async function readTimeline(
  db: Database,
  runId: string,
  query: TimelineQuery,
): Promise<TimelineReply> {
  const run = await requireRun(db, runId);
  const segments = selectSegments(run, query.attempt, query);
  const [plan, columns] = await Promise.all([
    planBuckets(db, run.runKey, segments, query.points),
    findScalarColumns(db, run.runKey, query.series),
  ]);
  const steps = new BucketSteps(plan.count);
  const series = query.series.map(() => new ScalarBuckets(plan.count));
  for (const segment of segments) {
    await scanSteps(db, run.runKey, withinPlan(segment, plan), columns, (step, values) => {
      const index = plan.indexOf(step);
      if (index < 0) return;
      steps.add(index, step);
      for (let position = 0; position < series.length; position++) {
        const value = values[position] ?? null;
        if (value !== null) series[position]?.add(index, value);
      }
    });
  }
  return {
    series: query.series.map((name, position) => ({
      name,
      points: columns[position] === null ? [] : (series[position]?.toBuckets(steps) ?? []),
    })),
  };
}
