/** Where messages go and what became of them, read. */
import { deliveriesQuerySchema } from '../../lib/contract/alert-channels';
import { readChannels, readDeliveries } from '../../lib/query/read-channels';
import type { Database } from '../../lib/store/database';
import { type Reply, ok } from '../http/reply';
import type { Route } from '../http/router';
import { permittedProjectName } from './project-reads';
import { type ReadHandler, type ReadRequest, parseQuery } from './read-request';

export const CHANNEL_READ_ROUTES: readonly Route<ReadHandler>[] = [
  { method: 'GET', path: '/api/v1/projects/:name/alert-channels', handler: getChannels },
  { method: 'GET', path: '/api/v1/projects/:name/alert-deliveries', handler: getDeliveries },
];

/** 200; 403 for another project than the token's; 404 project_not_found. */
async function getChannels(db: Database, request: ReadRequest): Promise<Reply> {
  const items = await readChannels(db, permittedProjectName(request));
  return ok({ items, canSendEmail: request.canSendEmail });
}

/** 200 with the newest; 403; 404 project_not_found; 422. */
async function getDeliveries(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(deliveriesQuerySchema, request.query);
  return ok(await readDeliveries(db, permittedProjectName(request), query));
}
