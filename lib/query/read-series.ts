import type { SeriesQuery, SeriesReply } from '../contract/reads';
import { runScans, type Scan } from '../store/reading/covered-scan';
import type { Database } from '../store/database';
import { layerQuery } from '../store/runs/layers';
import { LayerScan } from '../store/reading/scan-layers';
import { ScalarScan } from '../store/reading/scan-scalars';
import { runKeyOf } from '../store/runs/run-key';
import type { Snapshot } from '../store/postgres/snapshot';
import { selectSegments } from '../store/runs/trajectory';
import { planBuckets } from './bucket-plan';
import { requireLayer, requireRunWindow } from './find-run';
import { LayerSeries, SERIES_PLANES } from './layer-series';
import {
  type BucketColumns,
  BucketSteps,
  NO_BUCKETS,
  ScalarBuckets,
  toBuckets,
} from './scalar-buckets';
import { STAGE_METRIC, findStageRuns } from './stage-columns';
import { isKnownGappy, rememberGappy, SeenSteps } from './seen-steps';
import { TimelineSink } from './timeline-sink';

/** A page shows a dozen of them at once. */
const BUDGET_MS = 10;

/** A series with its points as columns. */
export type SeriesColumns = Omit<SeriesReply, 'points'> & { readonly points: BucketColumns };

/**
 * One metric of one layer over steps: one point a reported step where they fit into
 * `points`, else aligned buckets. A metric that the run never reported has no points.
 *
 * Memory  of the answer, whatever the range
 * Throws  AppError `run_not_found`, `layer_not_found`, `attempt_not_found`
 */
export function readSeriesColumns(
  db: Database,
  runId: string,
  index: number,
  query: SeriesQuery,
): Promise<SeriesColumns> {
  return db.readSnapshot((snapshot) => readFrom(snapshot, runId, index, query));
}

/** The same with its points as objects. */
export async function readSeries(
  ...asked: Parameters<typeof readSeriesColumns>
): Promise<SeriesReply> {
  const { points, ...head } = await readSeriesColumns(...asked);
  return { ...head, points: toBuckets(points) };
}

async function readFrom(
  snapshot: Snapshot,
  runId: string,
  index: number,
  query: SeriesQuery,
): Promise<SeriesColumns> {
  const named = layerQuery(runKeyOf(runId), index);
  const { run, asked, window } = await requireRunWindow(
    snapshot,
    runId,
    (known) => {
      requireLayer(known, index);
      return {
        segments: selectSegments(known, query.attempt, query),
        columns: [],
        maxSteps: query.points,
        metricId: known.names.layer.get(query.metric) ?? null,
      };
    },
    [named.query],
  );
  const { runKey, layerCount } = run;
  const { segments, metricId } = asked;
  const isStage = metricId === null && query.metric === STAGE_METRIC;
  if (metricId === null && !isStage) {
    return { layer: named.layer(), metric: query.metric, points: NO_BUCKETS };
  }

  const plan = planBuckets(window, query.points, { layers: 1, planes: 3, budgetMs: BUDGET_MS });
  const steps = new BucketSteps(plan.count);
  const values = new ScalarBuckets(plan.count);
  const { parts } = window;
  const { topLevel, width: bucketSteps } = plan;
  const seen = new SeenSteps(plan);
  const ends = new TimelineSink(plan, steps, []);
  const endsScan = (): Scan =>
    new ScalarScan({ runKey, parts, topLevel, columns: [], bucketSteps }, ends);
  for (const reported of plan.steps ?? []) ends.addStep(reported);
  if (metricId === null) {
    if (plan.steps === null) await runScans(snapshot, [endsScan()]);
  } else {
    const scan = { runKey, parts, topLevel, metricId, layerCount, layer: index };
    const sink = new LayerSeries(plan, values, seen);
    const layerScan = new LayerScan({ ...scan, planes: SERIES_PLANES }, sink);
    const series = `${runKey}/${metricId}`;
    const isAskedAtOnce = plan.steps === null && isKnownGappy(series);
    await runScans(snapshot, isAskedAtOnce ? [endsScan(), layerScan] : [layerScan]);
    if (plan.steps === null && !isAskedAtOnce && !seen.fill(parts, steps)) {
      rememberGappy(series);
      await runScans(snapshot, [endsScan()]);
    }
  }
  if (isStage) {
    for (const stage of await findStageRuns(snapshot, run, { segments, steps }, index)) {
      for (let bucket = stage.fromBucket; bucket <= stage.toBucket; bucket++) {
        if (steps.isReported(bucket)) values.add(bucket, stage.code);
      }
    }
  }
  return { layer: named.layer(), metric: query.metric, points: values.toColumns(steps) };
}
