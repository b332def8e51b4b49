import { AppError } from '../contract/app-error';
import type {
  LayerSamples,
  LayerSamplesQuery,
  SampleStepsQuery,
  SampleStepsReply,
} from '../contract/layer-samples';
import type { Database } from '../store/database';
import { layerQuery } from '../store/runs/layers';
import { findLayerSamples, findSampleSteps } from '../store/sample-frames';
import { selectSegments } from '../store/runs/trajectory';
import { requireLayer, requireRun } from './find-run';

/** The steps that have raw samples, ascending. Throws AppError `run_not_found`, `attempt_not_found`. */
export async function readSampleSteps(
  db: Database,
  runId: string,
  query: SampleStepsQuery,
): Promise<SampleStepsReply> {
  const run = await requireRun(db, runId);
  const items: SampleStepsReply['items'] = [];
  for (const segment of selectSegments(run, query.attempt, query)) {
    const steps = await findSampleSteps(db, run.runKey, segment);
    items.push(...steps.map((step) => ({ ...step, attempt: segment.attempt })));
  }
  return { items: items.sort((a, b) => a.step - b.step || a.attempt - b.attempt) };
}

/**
 * One layer's raw samples at exactly one step; with several attempts, of the newest that
 * has some.
 *
 * Throws  AppError `run_not_found`, `layer_not_found`, `attempt_not_found`, `samples_not_found`
 */
export async function readLayerSamples(
  db: Database,
  runId: string,
  index: number,
  { step, attempt }: LayerSamplesQuery,
): Promise<LayerSamples> {
  const run = await requireRun(db, runId);
  requireLayer(run, index);
  for (const segment of selectSegments(run, attempt, { fromStep: step, toStep: step }).reverse()) {
    const samples = await findLayerSamples(db, run.runKey, segment.attempt, step, index);
    if (samples === null) continue;
    const { query, layer } = layerQuery(run.runKey, index);
    await db.readAll([query]);
    return { layer: layer(), step, attempt: segment.attempt, ...samples };
  }
  throw new AppError(
    'samples_not_found',
    `layer ${index} of run ${run.id} has no raw samples at step ${step}; they are kept around spikes alone, GET /api/v1/runs/${run.id}/samples lists where`,
  );
}
