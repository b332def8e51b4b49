/** Questions to the spikes and stages of all runs that may be seen. */
import { recurringBatchesSchema } from '../../lib/contract/recurring-batches';
import { spikeSearchSchema } from '../../lib/contract/spike-search';
import { stageSearchSchema } from '../../lib/contract/stage-search';
import { readRecurringBatches } from '../../lib/query/read-recurring-batches';
import { readSpikeSearch } from '../../lib/query/read-spike-search';
import { readStageSearch } from '../../lib/query/read-stage-search';
import type { Database } from '../../lib/store/database';
import { permitProject, visibleProject } from '../access/principal';
import { type Reply, ok } from '../http/reply';
import type { Route } from '../http/router';
import { type ReadHandler, type ReadRequest, parseQuery } from './read-request';

export const SEARCH_READ_ROUTES: readonly Route<ReadHandler>[] = [
  { method: 'GET', path: '/api/v1/spikes', handler: getSpikeSearch },
  { method: 'GET', path: '/api/v1/stages', handler: getStageSearch },
  { method: 'GET', path: '/api/v1/recurring-batches', handler: getRecurringBatches },
];

/** 200; 403 for another project than the token's; 422. So do the next two. */
async function getSpikeSearch(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(spikeSearchSchema, request.query);
  return ok(await readSpikeSearch(db, withinSight(query, request)));
}

async function getStageSearch(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(stageSearchSchema, request.query);
  return ok(await readStageSearch(db, withinSight(query, request)));
}

async function getRecurringBatches(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(recurringBatchesSchema, request.query);
  return ok(await readRecurringBatches(db, withinSight(query, request)));
}

/** The query over no other runs than those that the token may see. */
function withinSight<T extends { readonly project?: string | undefined }>(
  query: T,
  { principal }: ReadRequest,
): T {
  if (query.project !== undefined) permitProject(principal, query.project);
  const project = visibleProject(principal) ?? query.project;
  return { ...query, project };
}
