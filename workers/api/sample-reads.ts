/** Raw samples that were kept around spikes, read. */
import { SAFETENSORS_MEDIA_TYPE } from '../../lib/contract/heatmap-columns';
import {
  encodeLayerSamples,
  layerSamplesQuerySchema,
  sampleStepsQuerySchema,
  toLayerSamplesReply,
} from '../../lib/contract/layer-samples';
import { readLayerSamples, readSampleSteps } from '../../lib/query/read-samples';
import type { Database } from '../../lib/store/database';
import { type Reply, bytes, ok } from '../http/reply';
import type { Route } from '../http/router';
import {
  type ReadHandler,
  type ReadRequest,
  accepts,
  parseQuery,
  permittedLayer,
  permittedRunId,
} from './read-request';

export const SAMPLE_READ_ROUTES: readonly Route<ReadHandler>[] = [
  { method: 'GET', path: '/api/v1/runs/:id/samples', handler: getSampleSteps },
  { method: 'GET', path: '/api/v1/runs/:id/layers/:index/samples', handler: getLayerSamples },
];

/** 200; 404 run_not_found, attempt_not_found; 422. */
async function getSampleSteps(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(sampleStepsQuerySchema, request.query);
  return ok(await readSampleSteps(db, await permittedRunId(db, request), query));
}

/** 200 as JSON, or as safetensors where that is accepted; 404, samples_not_found too; 422. */
async function getLayerSamples(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(layerSamplesQuerySchema, request.query);
  const { runId, index } = await permittedLayer(db, request);
  const samples = await readLayerSamples(db, runId, index, query);
  if (accepts(request.request, SAFETENSORS_MEDIA_TYPE)) {
    return bytes(SAFETENSORS_MEDIA_TYPE, encodeLayerSamples(samples));
  }
  return ok(toLayerSamplesReply(samples));
}
