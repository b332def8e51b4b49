/** Alert rules and what they found, read. */
import { incidentsQuerySchema } from '../../lib/contract/incidents';
import { readAlertRules, readIncident, readIncidents } from '../../lib/query/read-alerts';
import type { Database } from '../../lib/store/database';
import { permitProject, visibleProject } from '../access/principal';
import { type Reply, ok } from '../http/reply';
import type { Route } from '../http/router';
import { permittedProjectName } from './project-reads';
import { type ReadHandler, type ReadRequest, parseQuery } from './read-request';

export const ALERT_READ_ROUTES: readonly Route<ReadHandler>[] = [
  { method: 'GET', path: '/api/v1/projects/:name/alert-rules', handler: getAlertRules },
  { method: 'GET', path: '/api/v1/incidents', handler: getIncidents },
  { method: 'GET', path: '/api/v1/projects/:name/incidents/:incidentId', handler: getIncident },
];

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
