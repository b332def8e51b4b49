/** What a training loop may do now. Its own token, which may only post, reads this as well. */
import { adviceQuerySchema } from '../../lib/contract/advice';
import type { Database } from '../../lib/store/database';
import { type Reply, ok } from '../http/reply';
import type { Route } from '../http/router';
import { type ReadHandler, type ReadRequest, parseQuery, permittedRunId } from './read-request';

export const ADVICE_READ_ROUTES: readonly Route<ReadHandler>[] = [
  { method: 'GET', path: '/api/v1/runs/:id/advice', handler: getAdvice },
];

/** 200, where asked for once the advice is another than `after`; 404 run_not_found; 422; 429. */
async function getAdvice(db: Database, request: ReadRequest): Promise<Reply> {
  const { after, waitSeconds } = parseQuery(adviceQuerySchema, request.query);
  const runId = await permittedRunId(db, request);
  const { advice } = request;
  if (after === undefined || waitSeconds === 0) return ok(await advice.readNow(runId));
  const gone = new AbortController();
  const { socket } = request.request;
  const leave = (): void => {
    gone.abort();
  };
  socket.once('close', leave);
  try {
    return ok(await advice.wait({ runId, after, waitSeconds, signal: gone.signal }));
  } finally {
    socket.off('close', leave);
  }
}
