import type { SeriesQuery, SeriesReply } from '../contract/reads';
import { bitsOf, MISSING_FLOAT32_BITS } from '../contract/missing-value';
import type { Database } from '../store/database';
import { findLayer } from '../store/layers';
import { findMetricIds } from '../store/metrics';
import { scanLayers } from '../store/scan-layers';
import { scanSteps } from '../store/scan-steps';
import { selectSegments } from '../store/trajectory';
import { planBuckets, withinPlan } from './bucket-plan';
import { requireLayer, requireRun } from './find-run';
import { BucketSteps, ScalarBuckets } from './scalar-buckets';
import { STAGE_METRIC, findStageRuns } from './stage-columns';

/**
 * One metric of one layer over steps, in the buckets that a timeline of the same window
 * has. A metric that the run never reported has no points.
 *
 * Memory  of the answer, whatever the range
 * Throws  AppError `run_not_found`, `layer_not_found`, `attempt_not_found`
 */
export async function readSeries(
  db: Database,
  runId: string,
  index: number,
  query: SeriesQuery,
): Promise<SeriesReply> {
  const run = await requireRun(db, runId);
  requireLayer(run, index);
  const { runKey } = run;
  const segments = selectSegments(run, query.attempt, query);
  const [layer, metricIds] = await Promise.all([
    findLayer(db, runKey, index),
    findMetricIds(db, runKey, 'layer'),
  ]);
  const metricId = metricIds.get(query.metric);
  const isStage = metricId === undefined && query.metric === STAGE_METRIC;
  if (metricId === undefined && !isStage) {
    return { layer, metric: query.metric, points: [] };
  }

  const plan = await planBuckets(db, runKey, segments, query.points);
  const steps = new BucketSteps(plan.count);
  const values = new ScalarBuckets(plan.count);
  for (const whole of segments) {
    const segment = withinPlan(whole, plan);
    await scanSteps(db, runKey, segment, [], (step) => {
      const bucket = plan.indexOf(step);
      if (bucket >= 0) steps.add(bucket, step);
    });
    if (metricId === undefined) continue;
    await scanLayers(
      db,
      { runKey, segment, metricId, firstLayer: index, layerCount: 1 },
      (step, cell) => {
        const bucket = plan.indexOf(step);
        if (bucket >= 0 && bitsOf(cell)[0] !== MISSING_FLOAT32_BITS) {
          values.add(bucket, cell[0] ?? NaN);
        }
      },
    );
  }
  if (isStage) {
    for (const stage of await findStageRuns(db, run, { segments, steps }, index)) {
      for (let bucket = stage.fromBucket; bucket <= stage.toBucket; bucket++) {
        if (steps.isReported(bucket)) values.add(bucket, stage.code);
      }
    }
  }
  return { layer, metric: query.metric, points: values.toBuckets(steps) };
}
