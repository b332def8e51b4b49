import { z } from 'zod';
import { ALERT_ROUTES } from './openapi-alert-routes';
import { CHANNEL_ROUTES } from './openapi-channel-routes';
import { EXPORT_ROUTES } from './openapi-export-routes';
import { FINDING_ROUTES } from './openapi-finding-routes';
import { JOB_ROUTES } from './openapi-job-routes';
import { POSTMORTEM_ROUTES } from './openapi-postmortem-routes';
import { PROJECT_ROUTES } from './openapi-project-routes';
import { READ_ROUTES } from './openapi-read-routes';
import {
  JSON_TYPE,
  RUN,
  json,
  ok,
  type BodyDescription,
  type RouteDescription,
} from './openapi-route';
import { SAMPLE_ROUTES } from './openapi-sample-routes';
import { SEARCH_ROUTES } from './openapi-search-routes';
import { WRITE_ROUTES } from './openapi-write-routes';
import { runParamsSchema } from './reads';
import { patchRunSchema } from './runs';

const MANAGE_ROUTES: readonly RouteDescription[] = [
  {
    operationId: 'changeRun',
    method: 'patch',
    path: RUN,
    tag: 'Manage',
    scope: 'admin',
    summary: 'Change name, tags, notes or pin',
    description: 'Fields that are not named stay as they are.',
    params: runParamsSchema,
    body: json(patchRunSchema, { tags: ['char', 'keep'], pinned: true }),
    replies: [ok(patchRunSchema.extend({ id: z.string() }), 'The fields that were set.')],
    errors: ['run_not_found', 'invalid_body'],
  },
  {
    operationId: 'deleteRun',
    method: 'delete',
    path: RUN,
    tag: 'Manage',
    scope: 'admin',
    summary: 'Delete a run and all it has stored',
    description: 'There is no way back.',
    params: runParamsSchema,
    replies: [
      ok(z.object({ id: z.string(), deleted: z.literal(true) }), 'The run and all of it is gone.'),
    ],
    errors: ['run_not_found'],
  },
  {
    operationId: 'signIn',
    method: 'post',
    path: '/sign-in',
    tag: 'Manage',
    scope: null,
    summary: 'Exchange a token for a browser session',
    description:
      'Sets an HttpOnly, SameSite cookie and leads to next, a path of this server; with a token that is ' +
      'not known, back to /sign-in?error=invalid_token, with one that may not read to error=scope_too_small.',
    body: [
      {
        mediaType: 'application/x-www-form-urlencoded',
        schema: z.object({ token: z.string(), next: z.string().optional() }),
        example: { token: 'sps_…', next: '/runs/char-lm-1' },
      },
    ],
    replies: [{ status: 303, description: 'To next, or back to the form.', bodies: [] }],
    errors: [],
  },
  {
    operationId: 'signOut',
    method: 'post',
    path: '/sign-out',
    tag: 'Manage',
    scope: null,
    summary: 'End the browser session',
    description: 'Takes the cookie back. The token stays valid until it is revoked.',
    replies: [{ status: 303, description: 'To the sign-in form.', bodies: [] }],
    errors: [],
  },
];

const PLAIN_TEXT: readonly BodyDescription[] = [{ mediaType: 'text/plain', schema: null }];

const OPERATE_ROUTES: readonly RouteDescription[] = [
  {
    operationId: 'readOpenApi',
    method: 'get',
    path: '/api/v1/openapi.json',
    tag: 'Operate',
    scope: null,
    summary: 'This document',
    description: 'OpenAPI 3.1, generated from the schemas that parse each request.',
    replies: [
      {
        status: 200,
        description: 'The document.',
        bodies: [{ mediaType: JSON_TYPE, schema: null }],
      },
    ],
    errors: [],
  },
  {
    operationId: 'readHealth',
    method: 'get',
    path: '/healthz',
    tag: 'Operate',
    scope: null,
    summary: 'Is the process alive',
    description: 'For a supervisor: a process that does not answer is to be restarted.',
    replies: [{ status: 200, description: 'It is.', bodies: PLAIN_TEXT }],
    errors: [],
  },
  {
    operationId: 'readReadiness',
    method: 'get',
    path: '/readyz',
    tag: 'Operate',
    scope: null,
    summary: 'May traffic come',
    description: 'Database, worker and writer lag; fails from SIGTERM on, before draining.',
    replies: [
      { status: 200, description: 'Ready.', bodies: [{ mediaType: JSON_TYPE, schema: null }] },
    ],
    errors: ['unavailable'],
  },
  {
    operationId: 'readMetrics',
    method: 'get',
    path: '/metrics',
    tag: 'Operate',
    scope: 'read',
    summary: 'Counters and timings for Prometheus',
    description: 'Text exposition format.',
    replies: [{ status: 200, description: 'The samples.', bodies: PLAIN_TEXT }],
    errors: [],
  },
];

/** Every route of the contract, in the order in which a person reads about them. */
export const ROUTES: readonly RouteDescription[] = [
  ...WRITE_ROUTES,
  ...READ_ROUTES,
  ...EXPORT_ROUTES,
  ...FINDING_ROUTES,
  ...POSTMORTEM_ROUTES,
  ...SAMPLE_ROUTES,
  ...SEARCH_ROUTES,
  ...MANAGE_ROUTES,
  ...ALERT_ROUTES,
  ...PROJECT_ROUTES,
  ...JOB_ROUTES,
  ...CHANNEL_ROUTES,
  ...OPERATE_ROUTES,
];
