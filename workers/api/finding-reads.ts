/** What detectors found beside spikes and stages, read. */
import { leadLagQuerySchema } from '../../lib/contract/lead-lag';
import { warningsQuerySchema } from '../../lib/contract/warnings';
import { readLeadLag } from '../../lib/query/read-lead-lag';
import { readWarnings } from '../../lib/query/read-warnings';
import type { Database } from '../../lib/store/database';
import { type Reply, ok } from '../http/reply';
import type { Route } from '../http/router';
import { type ReadHandler, type ReadRequest, parseQuery, permittedRunId } from './read-request';

export const FINDING_READ_ROUTES: readonly Route<ReadHandler>[] = [
  { method: 'GET', path: '/api/v1/runs/:id/warnings', handler: getWarnings },
  { method: 'GET', path: '/api/v1/runs/:id/lead-lag', handler: getLeadLag },
];

/** 200; 404 run_not_found, attempt_not_found; 422. So does the next. */
async function getWarnings(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(warningsQuerySchema, request.query);
  return ok(await readWarnings(db, await permittedRunId(db, request), query));
}

async function getLeadLag(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(leadLagQuerySchema, request.query);
  return ok(await readLeadLag(db, await permittedRunId(db, request), query));
}
