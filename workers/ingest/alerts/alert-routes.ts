/** What a team wants to be told of, and that somebody has taken note of what was found. */
import { randomUUID } from 'node:crypto';
import { alertRuleDraftSchema, patchAlertRuleSchema } from '../../../lib/contract/alert-rules';
import { acknowledgeIncidentSchema, type Incident } from '../../../lib/contract/incidents';
import {
  createAlertRule,
  deleteAlertRule,
  patchAlertRule,
} from '../../../lib/store/alerts/alert-rules';
import { acknowledgeIncident } from '../../../lib/store/alerts/incidents';
import { withBody } from '../../http/read-body';
import { type Reply, json, ok } from '../../http/reply';
import type { Route } from '../../http/router';
import { permittedProject } from '../projects/permitted-project';
import {
  type RouteDependencies,
  type WriteHandler,
  type WriteRequest,
  bodyOptions,
  parseBody,
} from '../write-request';

const RULES = '/api/v1/projects/:name/alert-rules';

export const ALERT_ROUTES: readonly Route<WriteHandler>[] = [
  { method: 'POST', path: RULES, handler: postRule },
  { method: 'PATCH', path: `${RULES}/:ruleId`, handler: patchRule },
  { method: 'DELETE', path: `${RULES}/:ruleId`, handler: deleteRule },
  {
    method: 'POST',
    path: '/api/v1/projects/:name/incidents/:incidentId/acknowledge',
    handler: postAcknowledge,
  },
];

/** 201 with the rule; 404 project_, run_, channel_not_found; 422, too_many_rules too. */
async function postRule(deps: RouteDependencies, write: WriteRequest): Promise<Reply> {
  const project = await permittedProject(deps, write);
  return withBody(write.request, bodyOptions(deps), async (body) => {
    const draft = parseBody(alertRuleDraftSchema, body);
    const rule = await createAlertRule(deps.access.db, project, { id: randomUUID(), draft });
    deps.alerts.noteRules(project);
    return json(201, rule);
  });
}

/** 200 with the rule as it is now; 404 rule_, run_, channel_not_found; 422. */
async function patchRule(deps: RouteDependencies, write: WriteRequest): Promise<Reply> {
  const project = await permittedProject(deps, write);
  return withBody(write.request, bodyOptions(deps), async (body) => {
    const patch = parseBody(patchAlertRuleSchema, body);
    const ruleId = write.params['ruleId'] ?? '';
    const { rule, closed } = await patchAlertRule(deps.access.db, project, ruleId, patch);
    deps.alerts.noteRules(project);
    tellClosed(deps, closed);
    return ok(rule);
  });
}

/** 200; its incidents stay. 404 rule_not_found. */
async function deleteRule(deps: RouteDependencies, write: WriteRequest): Promise<Reply> {
  const project = await permittedProject(deps, write);
  const id = write.params['ruleId'] ?? '';
  const closed = await deleteAlertRule(deps.access.db, project, id);
  deps.alerts.noteRules(project);
  tellClosed(deps, closed);
  return ok({ id, deleted: true });
}

function tellClosed({ publisher }: RouteDependencies, closed: readonly Incident[]): void {
  for (const incident of closed) {
    publisher.publishIncident({ change: 'closed', notify: false, incident });
  }
}

/** 200 with the incident; whoever was first stands. 404 incident_not_found; 422. */
async function postAcknowledge(deps: RouteDependencies, write: WriteRequest): Promise<Reply> {
  const project = await permittedProject(deps, write, 'ingest');
  return withBody(write.request, bodyOptions(deps), async (body) => {
    const { by } = parseBody(acknowledgeIncidentSchema, body);
    const id = write.params['incidentId'] ?? '';
    const { incident, isNew } = await acknowledgeIncident(deps.access.db, {
      ...{ project, id, by, now: deps.now() },
    });
    if (isNew) {
      deps.publisher.publishIncident({ change: 'acknowledged', notify: false, incident });
    }
    return ok(incident);
  });
}
