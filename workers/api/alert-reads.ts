/** Alert rules and what they found, read; and what a rule would have found. */
import { alertBacktestSchema } from '../../lib/contract/alert-rules';
import { AppError } from '../../lib/contract/app-error';
import { toDetails } from '../../lib/contract/frames-json';
import { incidentsQuerySchema } from '../../lib/contract/incidents';
import { parseStorableJson } from '../../lib/contract/parse-json';
import { readBacktest } from '../../lib/query/read-backtest';
import { readAlertRules, readIncident, readIncidents } from '../../lib/query/read-alerts';
import type { Database } from '../../lib/store/database';
import { permitProject, visibleProject } from '../access/principal';
import { BodyBudget, withBody } from '../http/read-body';
import { type Reply, ok } from '../http/reply';
import type { Route } from '../http/router';
import { permittedProjectName } from './project-reads';
import { type ReadHandler, type ReadRequest, parseQuery } from './read-request';

export const ALERT_READ_ROUTES: readonly Route<ReadHandler>[] = [
  { method: 'GET', path: '/api/v1/projects/:name/alert-rules', handler: getAlertRules },
  { method: 'GET', path: '/api/v1/incidents', handler: getIncidents },
  { method: 'GET', path: '/api/v1/projects/:name/incidents/:incidentId', handler: getIncident },
  { method: 'POST', path: '/api/v1/projects/:name/alert-backtest', handler: postBacktest },
];

/** A rule is a kilobyte, the ids of 64 runs are eight. */
const MAX_BACKTEST_BYTES = 64 * 1024;
const backtestBodies = new BodyBudget(16 * MAX_BACKTEST_BYTES);
/** Each holds 16 MB of values at a time, and other reads wait for its sums. */
const MAX_BACKTESTS = 2;
let backtests = 0;

/** 200; 403 for another project than the token's; 404 project_not_found. */
async function getAlertRules(db: Database, request: ReadRequest): Promise<Reply> {
  return ok(await readAlertRules(db, permittedProjectName(request)));
}

/** 200 with a page of the incidents that may be seen; 403 for another project than the token's; 422. */
async function getIncidents(db: Database, { query, principal }: ReadRequest): Promise<Reply> {
  const parsed = parseQuery(incidentsQuerySchema, query);
  if (parsed.project !== undefined) permitProject(principal, parsed.project);
  const project = visibleProject(principal) ?? parsed.project;
  return ok(await readIncidents(db, project === undefined ? parsed : { ...parsed, project }));
}

/** 200; 403; 404 incident_not_found. */
async function getIncident(db: Database, request: ReadRequest): Promise<Reply> {
  const project = permittedProjectName(request);
  return ok(await readIncident(db, project, request.params['incidentId'] ?? ''));
}

/** 200; nothing is saved or sent. 403; 404 project_, run_not_found; 422; 429 too_many_jobs. */
async function postBacktest(db: Database, request: ReadRequest): Promise<Reply> {
  const project = permittedProjectName(request);
  const options = { budget: backtestBodies, maxBytes: MAX_BACKTEST_BYTES };
  return withBody(request.request, options, async (body) => {
    const parsed = alertBacktestSchema.safeParse(parseStorableJson(body));
    if (!parsed.success) throw invalidBody(toDetails(parsed.error, []));
    if (backtests >= MAX_BACKTESTS) {
      throw new AppError('too_many_jobs', 'other backtests are under way', {
        retryAfterSeconds: 5,
      });
    }
    backtests++;
    try {
      const clock = () => performance.now();
      return ok(await readBacktest(db, project, parsed.data, { clock, now: new Date() }));
    } finally {
      backtests--;
    }
  });
}

function invalidBody(details: ReturnType<typeof toDetails>): AppError {
  const [first] = details;
  const path = first === undefined || first.path === '' ? 'body' : first.path;
  return new AppError('invalid_body', `${path}: ${first?.message ?? 'unreadable'}`, { details });
}
