import type { HeatmapColumns } from '../contract/heatmap-columns';
import type { HeatmapQuery } from '../contract/reads';
import type { Database } from '../store/database';
import { findMetricIds } from '../store/metrics';
import type { RunOutline } from '../store/run-context';
import { scanLayers } from '../store/scan-layers';
import { findScalarColumns, scanSteps } from '../store/scan-steps';
import { type Segment, selectSegments } from '../store/trajectory';
import { type BucketPlan, planBuckets, withinPlan } from './bucket-plan';
import { requireRun } from './find-run';
import { LayerColumns } from './layer-columns';
import { BucketSteps, ScalarBuckets } from './scalar-buckets';
import { STAGE_METRIC, findStageRuns } from './stage-columns';

/** Cells of one reply: 64 MB as it leaves. Runs with very many layers get fewer columns. */
const MAX_CELLS = 8 * 1024 * 1024;

/** What a column says besides its layers. Loss and norm keep their highest value, the others their last. */
const COLUMN_SCALARS = ['loss', 'gradient_norm', 'learning_rate', 'wall_time'] as const;

/**
 * One metric of all layers over steps: one column a reported step where they fit into
 * `columns`, else aligned buckets. Extremes and the number of non-finite values of a
 * bucket are exact; a metric never reported gives columns without values.
 *
 * Memory  of the answer, whatever the range
 * Throws  AppError `run_not_found`, `attempt_not_found`
 */
export async function readHeatmap(
  db: Database,
  runId: string,
  query: HeatmapQuery,
): Promise<HeatmapColumns> {
  const run = await requireRun(db, runId);
  const segments = selectSegments(run, query.attempt, query);
  const limit = Math.max(
    1,
    Math.min(query.columns, Math.floor(MAX_CELLS / Math.max(1, run.layerCount))),
  );
  const [plan, metricIds] = await Promise.all([
    planBuckets(db, run.runKey, segments, limit),
    findMetricIds(db, run.runKey, 'layer'),
  ]);
  const metricId = metricIds.get(query.metric);
  const isStage = metricId === undefined && query.metric === STAGE_METRIC;
  // Stages are names in an order: they have extremes and no mean.
  const reduce = isStage && query.reduce === 'mean' ? 'max' : query.reduce;
  const layers = new LayerColumns(run.layerCount, plan.count, reduce);
  const [strip] = await Promise.all([
    readStrip(db, run, segments, plan),
    metricId === undefined
      ? Promise.resolve()
      : reduceLayers(db, run, segments, plan, metricId, layers),
  ]);
  if (isStage) {
    for (const { layer, fromBucket, toBucket, code } of await findStageRuns(db, run, {
      segments,
      steps: strip.steps,
    })) {
      layers.addRange(layer, fromBucket, toBucket, code);
    }
  }
  const reported = strip.reportedBuckets;
  return {
    layerCount: run.layerCount,
    columnCount: reported.length,
    fromStep: Float64Array.from(reported, (bucket) => strip.steps.fromStep[bucket] ?? 0),
    toStep: Float64Array.from(reported, (bucket) => strip.steps.toStep[bucket] ?? 0),
    loss: Float32Array.from(reported, (bucket) => strip.loss.max(bucket)),
    ...layers.toLayerMajor(reported),
    scalars: strip.scalars,
  };
}

async function reduceLayers(
  db: Database,
  { runKey, layerCount }: RunOutline,
  segments: readonly Segment[],
  plan: BucketPlan,
  metricId: number,
  layers: LayerColumns,
): Promise<void> {
  for (const whole of segments) {
    const segment = withinPlan(whole, plan);
    await scanLayers(
      db,
      { runKey, segment, metricId, firstLayer: 0, layerCount },
      (step, values) => {
        const bucket = plan.indexOf(step);
        if (bucket >= 0) layers.add(bucket, values);
      },
    );
  }
}

interface Strip {
  readonly steps: BucketSteps;
  readonly reportedBuckets: readonly number[];
  readonly loss: ScalarBuckets;
  readonly scalars: ReadonlyMap<string, Float64Array>;
}

async function readStrip(
  db: Database,
  { runKey }: RunOutline,
  segments: readonly Segment[],
  plan: BucketPlan,
): Promise<Strip> {
  const columns = await findScalarColumns(db, runKey, COLUMN_SCALARS);
  const steps = new BucketSteps(plan.count);
  const loss = new ScalarBuckets(plan.count);
  const gradientNorm = new ScalarBuckets(plan.count);
  const learningRate = new Float64Array(plan.count).fill(NaN);
  const wallTime = new Float64Array(plan.count).fill(NaN);
  const seen = new Set<string>();
  for (const segment of segments) {
    await scanSteps(db, runKey, withinPlan(segment, plan), columns, (step, values) => {
      const bucket = plan.indexOf(step);
      if (bucket < 0) return;
      steps.add(bucket, step);
      const [lossValue = null, normValue = null, rateValue = null, timeValue = null] = values;
      if (lossValue !== null) loss.add(bucket, lossValue);
      if (normValue !== null) {
        gradientNorm.add(bucket, normValue);
        seen.add('gradient_norm');
      }
      if (rateValue !== null) {
        learningRate[bucket] = rateValue;
        seen.add('learning_rate');
      }
      if (timeValue !== null) {
        wallTime[bucket] = timeValue;
        seen.add('wall_time');
      }
    });
  }
  const reportedBuckets = Array.from({ length: plan.count }, (_, index) => index).filter((index) =>
    steps.isReported(index),
  );
  const pick = (read: (bucket: number) => number): Float64Array =>
    Float64Array.from(reportedBuckets, read);
  const scalars = new Map<string, Float64Array>();
  if (seen.has('gradient_norm'))
    scalars.set(
      'gradient_norm',
      pick((bucket) => gradientNorm.max(bucket)),
    );
  if (seen.has('learning_rate'))
    scalars.set(
      'learning_rate',
      pick((bucket) => learningRate[bucket] ?? NaN),
    );
  if (seen.has('wall_time'))
    scalars.set(
      'wall_time',
      pick((bucket) => wallTime[bucket] ?? NaN),
    );
  return { steps, reportedBuckets, loss, scalars };
}
