import {
  type EncodedHeatmapColumns,
  HeatmapBody,
  type HeatmapMemory,
} from '../contract/heatmap-columns';
import type { HeatmapQuery, Reduce } from '../contract/reads';
import { runScans, type Scan } from '../store/reading/covered-scan';
import type { Database } from '../store/database';
import { LayerScan } from '../store/reading/scan-layers';
import { ScalarScan } from '../store/reading/scan-scalars';
import { scalarColumns } from '../store/reading/scan-steps';
import type { Snapshot } from '../store/postgres/snapshot';
import { haveOverlap } from '../store/reading/step-window';
import { selectSegments } from '../store/runs/trajectory';
import { planBuckets } from './bucket-plan';
import { COLUMN_SCALARS, columnOf, ColumnStrip } from './column-strip';
import { requireRunWindow } from './find-run';
import { ExtremeColumns } from './extreme-columns';
import { LayerColumns, planeOf } from './layer-columns';
import { STAGE_METRIC, findStageRuns } from './stage-columns';

/** Values of one reply, each with a count beside: 64 MB as it leaves. Runs with very many layers get fewer columns. */
const MAX_CELLS = 8 * 1024 * 1024;
/** Longer than this, a person who drags the view sees it lag. */
const BUDGET_MS = 40;

/**
 * One metric of all layers over steps: one column a reported step where they fit into
 * `columns`, else aligned buckets. Extremes and the number of non-finite values of a
 * bucket are exact; a metric never reported gives columns without values.
 *
 * Memory  of the answer, whatever the range; taken from `memory` where that has some, and
 *         then the caller's to give back
 * Throws  AppError `run_not_found`, `attempt_not_found`
 */
export function readHeatmap(
  db: Database,
  runId: string,
  query: HeatmapQuery,
  memory?: HeatmapMemory,
): Promise<EncodedHeatmapColumns> {
  return db.readSnapshot((snapshot) => readFrom(snapshot, runId, query, memory));
}

async function readFrom(
  snapshot: Snapshot,
  runId: string,
  query: HeatmapQuery,
  memory: HeatmapMemory | undefined,
): Promise<EncodedHeatmapColumns> {
  const hasMinima = query.reduce === 'extremes';
  const { run, asked, window } = await requireRunWindow(snapshot, runId, (known) => {
    const cellsAColumn = Math.max(1, known.layerCount) * (hasMinima ? 1.5 : 1);
    return {
      segments: selectSegments(known, query.attempt, query),
      columns: scalarColumns(known.names.scalar, COLUMN_SCALARS),
      maxSteps: Math.max(1, Math.min(query.columns, Math.floor(MAX_CELLS / cellsAColumn))),
      metricId: known.names.layer.get(query.metric) ?? null,
    };
  });
  const { runKey, layerCount } = run;
  const { segments, columns, metricId } = asked;
  const isStage = metricId === null && query.metric === STAGE_METRIC;
  const reduce = reduceOf(query, isStage);
  const planes = hasMinima ? (['maximum', 'minimum'] as const) : [planeOf(reduce)];
  const cost = { layers: layerCount, planes: planes.length, budgetMs: BUDGET_MS };
  const plan = planBuckets(window, asked.maxSteps, cost);

  const strip = new ColumnStrip(plan);
  const body = new HeatmapBody(layerCount, plan.count, COLUMN_SCALARS.length, {
    memory,
    hasMinima,
  });
  const isOneStepABucket = plan.isStepwise && !isStage && !haveOverlap(segments);
  const layers =
    body.minima === null || isOneStepABucket
      ? new LayerColumns(body, { plan, reduce, isOneStepABucket })
      : new ExtremeColumns(body, body.minima, plan);
  const { parts } = window;
  const { topLevel, width: bucketSteps } = plan;
  const scans: Scan[] = [];
  if (plan.steps === null) {
    scans.push(new ScalarScan({ runKey, parts, topLevel, columns, bucketSteps }, strip));
  } else {
    for (const reported of plan.steps) strip.addStep(reported);
  }
  if (metricId !== null) {
    const scan = { runKey, parts, topLevel, metricId, layerCount, planes };
    scans.push(new LayerScan(scan, layers));
  }
  await runScans(snapshot, scans);
  if (isStage) {
    const { steps } = strip;
    for (const stage of await findStageRuns(snapshot, run, { segments, steps })) {
      layers.addRange(stage.layer, stage.fromBucket, stage.toBucket, stage.code);
    }
  }
  layers.finish();
  // One value is both.
  if (isOneStepABucket) body.minima?.set(body.values);

  const reported = strip.reportedBuckets();
  const answer = reported.length === plan.count ? body : chooseColumns(body, reported);
  reported.forEach((bucket, column) => {
    answer.loss[column] = strip.loss.max(bucket);
  });
  return answer.finish({
    fromStep: columnOf(reported, (bucket) => strip.steps.fromStep[bucket] ?? 0),
    toStep: columnOf(reported, (bucket) => strip.steps.toStep[bucket] ?? 0),
    scalars: strip.scalarsOf(reported),
  });
}

/** What becomes of the maxima, where both extremes are asked for. */
function reduceOf({ reduce }: HeatmapQuery, isStage: boolean): Reduce {
  if (reduce === 'extremes') return 'max';
  // Stages are names in an order: they have extremes and no mean.
  return isStage && reduce === 'mean' ? 'max' : reduce;
}

/** The named columns of all layers, where others hold no reported step. */
function chooseColumns(body: HeatmapBody, columns: readonly number[]): HeatmapBody {
  const hasMinima = body.minima !== null;
  const chosen = new HeatmapBody(body.layerCount, columns.length, COLUMN_SCALARS.length, {
    hasMinima,
  });
  for (let layer = 0; layer < body.layerCount; layer++) {
    const from = layer * body.columnCount;
    const to = layer * columns.length;
    columns.forEach((column, index) => {
      chosen.values[to + index] = body.values[from + column] ?? NaN;
      chosen.nonFinite[to + index] = body.nonFinite[from + column] ?? 0;
      if (chosen.minima !== null) chosen.minima[to + index] = body.minima?.[from + column] ?? NaN;
    });
  }
  return chosen;
}
