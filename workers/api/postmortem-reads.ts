/** What is said of a spike afterwards. */
import { readPostmortem } from '../../lib/query/read-postmortem';
import type { Database } from '../../lib/store/database';
import { type Reply, ok } from '../http/reply';
import type { Route } from '../http/router';
import { type ReadHandler, type ReadRequest, permittedRunId } from './read-request';

export const POSTMORTEM_READ_ROUTES: readonly Route<ReadHandler>[] = [
  { method: 'GET', path: '/api/v1/runs/:id/spikes/:spikeId/postmortem', handler: getPostmortem },
];

/** 200; 404 run_not_found, spike_not_found. */
async function getPostmortem(db: Database, request: ReadRequest): Promise<Reply> {
  const runId = await permittedRunId(db, request);
  return ok(await readPostmortem(db, runId, request.params['spikeId'] ?? ''));
}
