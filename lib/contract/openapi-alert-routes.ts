import { z } from 'zod';
import {
  alertBacktestReplySchema,
  alertBacktestSchema,
  alertRuleDraftSchema,
  alertRuleParamsSchema,
  alertRuleSchema,
  alertRulesReplySchema,
  patchAlertRuleSchema,
} from './alert-rules';
import {
  acknowledgeIncidentSchema,
  incidentParamsSchema,
  incidentSchema,
  incidentsQuerySchema,
  incidentsReplySchema,
} from './incidents';
import { JSON_TYPE, json, ok, type RouteDescription } from './openapi-route';
import { projectParamsSchema } from './projects';

const RULES = '/api/v1/projects/{name}/alert-rules';
const INCIDENT = '/api/v1/projects/{name}/incidents/{incidentId}';

const CONDITION = {
  kind: 'threshold',
  metric: 'loss',
  side: 'above',
  limit: 6,
  clear: 5,
  openAfter: 2,
  closeAfter: 20,
} as const;

const RULE = {
  id: '3d0f0b0c-6c0c-4a34-9d8e-6a43d1a6a0ce',
  project: 'pretrain-7b',
  name: 'Loss above 6',
  runId: null,
  condition: CONDITION,
  severity: 'page',
  channelIds: [],
  notifyBrowsers: true,
  isEnabled: true,
  mutedUntil: null,
  createdAt: '2026-01-12T03:12:00.000Z',
  updatedAt: '2026-01-12T03:12:00.000Z',
  openCount: 1,
  lastOpenedAt: '2026-01-12T04:02:11.000Z',
};

const INCIDENT_EXAMPLE = {
  id: '6f1c7c1e-7e0b-4b52-8a54-4f6d1f0c9a11',
  project: 'pretrain-7b',
  ruleId: RULE.id,
  ruleName: RULE.name,
  severity: 'page',
  condition: CONDITION,
  runId: 'gpt-7b-3',
  runName: 'gpt-7b-3',
  attempt: 1,
  openedStep: 120_012,
  closedStep: null,
  openedAt: '2026-01-12T04:02:11.000Z',
  closedAt: null,
  closedBy: null,
  title: 'loss 7.31 above 6 at step 120 012',
  peakValue: 7.31,
  peakStep: 120_012,
  layers: [],
  layerCount: 0,
  spikeId: null,
  acknowledgedAt: null,
  acknowledgedBy: null,
  wasMuted: false,
};

/** What a team wants to be told of, and what was found. */
export const ALERT_ROUTES: readonly RouteDescription[] = [
  {
    operationId: 'createAlertRule',
    method: 'post',
    path: RULES,
    tag: 'Manage',
    scope: 'admin',
    summary: 'Be told of a condition',
    description:
      'A condition on all runs of a project, those to come as well, or on one. A rule looks at what is received ' +
      'after it was made. openAfter and closeAfter count reported steps in a row; one excursion makes one incident, ' +
      'and an incident one message to each channel.',
    params: projectParamsSchema,
    body: json(alertRuleDraftSchema, {
      name: RULE.name,
      condition: { kind: 'threshold', metric: 'loss', limit: 6, clear: 5, openAfter: 2 },
      severity: 'page',
    }),
    replies: [
      {
        status: 201,
        description: 'The rule.',
        bodies: [{ mediaType: JSON_TYPE, schema: alertRuleSchema, example: RULE }],
      },
    ],
    errors: [
      'project_not_found',
      'run_not_found',
      'channel_not_found',
      'invalid_body',
      'too_many_rules',
    ],
  },
  {
    operationId: 'changeAlertRule',
    method: 'patch',
    path: `${RULES}/{ruleId}`,
    tag: 'Manage',
    scope: 'admin',
    summary: 'Change, mute or switch off an alert rule',
    description:
      'Fields that are not named stay as they are. While mutedUntil lies ahead incidents open, but nobody is told; ' +
      'null ends it. Another condition or run closes what is open, and so does switching a rule off or on: it begins ' +
      'anew with what is received from then on.',
    params: alertRuleParamsSchema,
    body: json(patchAlertRuleSchema, { mutedUntil: '2026-01-12T08:00:00Z' }),
    replies: [ok(alertRuleSchema, 'The rule as it stands now.', RULE)],
    errors: ['rule_not_found', 'run_not_found', 'channel_not_found', 'invalid_body'],
  },
  {
    operationId: 'deleteAlertRule',
    method: 'delete',
    path: `${RULES}/{ruleId}`,
    tag: 'Manage',
    scope: 'admin',
    summary: 'Delete an alert rule',
    description: 'What it found stays; what is open is closed.',
    params: alertRuleParamsSchema,
    replies: [ok(z.object({ id: z.string(), deleted: z.literal(true) }), 'The rule is gone.')],
    errors: ['rule_not_found'],
  },
  {
    operationId: 'listAlertRules',
    method: 'get',
    path: RULES,
    tag: 'Read',
    scope: 'read',
    summary: 'Alert rules of a project',
    description: 'By name, with how many incidents of each are open.',
    params: projectParamsSchema,
    replies: [ok(alertRulesReplySchema, 'The rules.', { items: [RULE] })],
    errors: ['project_not_found'],
  },
  {
    operationId: 'listIncidents',
    method: 'get',
    path: '/api/v1/incidents',
    tag: 'Read',
    scope: 'read',
    summary: 'What alert rules found',
    description:
      'Of all projects that may be seen, the newest first. openCount is how many of all that match are open and ' +
      'not acknowledged.',
    query: incidentsQuerySchema,
    words: {
      project: 'Incidents of this project only.',
      runId: 'Incidents of this run only.',
      ruleId: 'Incidents that this rule found.',
      state: 'open, closed or all, the default.',
      acknowledged: 'true: those that somebody has acknowledged; false: those that nobody has.',
    },
    replies: [
      ok(incidentsReplySchema, 'A page of incidents.', {
        items: [INCIDENT_EXAMPLE],
        total: 1,
        openCount: 1,
      }),
    ],
    errors: ['invalid_query'],
  },
  {
    operationId: 'readIncident',
    method: 'get',
    path: INCIDENT,
    tag: 'Read',
    scope: 'read',
    summary: 'One incident',
    description: 'With the condition as it stood when it opened.',
    params: incidentParamsSchema,
    replies: [ok(incidentSchema, 'The incident.', INCIDENT_EXAMPLE)],
    errors: ['project_not_found', 'incident_not_found'],
  },
  {
    operationId: 'acknowledgeIncident',
    method: 'post',
    path: `${INCIDENT}/acknowledge`,
    tag: 'Write',
    scope: 'ingest',
    summary: 'Say that somebody looks at an incident',
    description: 'It stays open until it is over. Acknowledged again, the first stands.',
    params: incidentParamsSchema,
    body: json(acknowledgeIncidentSchema, { by: 'Ada' }),
    replies: [ok(incidentSchema, 'The incident.', INCIDENT_EXAMPLE)],
    errors: ['project_not_found', 'incident_not_found', 'invalid_body'],
  },
  {
    operationId: 'backtestAlertRule',
    method: 'post',
    path: '/api/v1/projects/{name}/alert-backtest',
    tag: 'Read',
    scope: 'read',
    summary: 'Try an alert rule on stored runs',
    description:
      'Folds the condition over the stored steps of the runs that are named, or of the newest, attempt by attempt, ' +
      'as it would have been folded while they came in. An incident is true when a loss spike or a divergence of ' +
      'its attempt begins within horizon steps after it opened, or had begun and was not over; false when the ' +
      'attempt went on for as long without. Takes 20 s at most; what was not looked at is in the caveat of its run, and ' +
      'steps of which a policy has left nothing to judge are in its list unjudged. ' +
      'Nothing is saved or sent.',
    params: projectParamsSchema,
    body: json(alertBacktestSchema, {
      condition: { kind: 'z_score', metric: 'gradient_norm', z: 8 },
      runLimit: 16,
      horizon: 500,
    }),
    replies: [
      ok(alertBacktestReplySchema, 'What it would have said.', {
        summary: 'once, none false',
        items: [
          {
            runId: 'gpt-7b-3',
            attempt: 1,
            openedStep: 120_004,
            closedStep: 120_041,
            title: 'gradient norm 31.2 at step 120 004, 14.1 deviations above its median of 1.10',
            layers: [],
            verdict: 'true',
            spikeId: '1-loss_spike-120012',
            leadSteps: 8,
          },
        ],
        trueCount: 1,
        falseCount: 0,
        undecidedCount: 0,
        missedSpikes: [],
        runs: [{ runId: 'gpt-7b-3', stepCount: 132_000, caveat: null, unjudged: [] }],
      }),
    ],
    errors: ['project_not_found', 'run_not_found', 'invalid_body', 'too_many_jobs'],
  },
];
