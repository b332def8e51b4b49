import { JSON_TYPE, RUN, json, ok, type RouteDescription } from './openapi-route';
import {
  type ProjectPolicyReply,
  projectPolicyReplySchema,
  putProjectPolicySchema,
} from './project-policy';
import {
  deleteProjectQuerySchema,
  deleteProjectReplySchema,
  projectParamsSchema,
  runSizeReplySchema,
} from './projects';
import { gapsQuerySchema, runParamsSchema } from './reads';
import {
  gapsReplySchema,
  retentionBodySchema,
  retentionQuerySchema,
  retentionReplySchema,
} from './retention';

const EXAMPLE: ProjectPolicyReply = {
  name: 'pretrain-7b',
  keepRawDays: 30,
  keepDistributionsDays: 90,
  keepSamplesDays: null,
  roundAfterDays: null,
};

/** What is kept, and how much it takes. */
export const PROJECT_ROUTES: readonly RouteDescription[] = [
  {
    operationId: 'readRunSize',
    method: 'get',
    path: `${RUN}/size`,
    tag: 'Read',
    scope: 'read',
    summary: 'How much of the database a run takes',
    description: 'Rows and bytes by table, from the lengths that the rows say, near enough.',
    params: runParamsSchema,
    replies: [ok(runSizeReplySchema, 'The size.')],
    errors: ['run_not_found'],
  },
  {
    operationId: 'readRunGaps',
    method: 'get',
    path: `${RUN}/gaps`,
    tag: 'Read',
    scope: 'read',
    summary: 'Which steps of a run a policy has let go',
    description:
      'Of raw the values of layers step by step, of which the minimum, maximum and mean of every 16 steps stay; ' +
      'of distributions and samples the range in which those away from spikes went.',
    params: runParamsSchema,
    query: gapsQuerySchema,
    replies: [ok(gapsReplySchema, 'The ranges, ascending, and the policy as it stands.')],
    errors: ['run_not_found', 'attempt_not_found', 'invalid_query'],
  },
  {
    operationId: 'deleteProject',
    method: 'delete',
    path: '/api/v1/projects/{name}',
    tag: 'Manage',
    scope: 'admin',
    summary: 'Delete a project and all of its runs',
    description:
      'There is no way back, so confirm must be the name again. Tokens for the project stay until they are ' +
      'revoked. Asked again after a break it goes on.',
    params: projectParamsSchema,
    query: deleteProjectQuerySchema,
    replies: [ok(deleteProjectReplySchema, 'The project and all of it is gone.')],
    errors: ['project_not_found', 'invalid_query'],
  },
  {
    operationId: 'readProjectPolicy',
    method: 'get',
    path: '/api/v1/projects/{name}/policy',
    tag: 'Read',
    scope: 'read',
    summary: 'How long a project keeps its values',
    description:
      'In days from when a step was received; null keeps them for ever, which is the default.',
    params: projectParamsSchema,
    replies: [ok(projectPolicyReplySchema, 'The policy.', { ...EXAMPLE })],
    errors: ['project_not_found'],
  },
  {
    operationId: 'changeProjectPolicy',
    method: 'put',
    path: '/api/v1/projects/{name}/policy',
    tag: 'Manage',
    scope: 'admin',
    summary: 'Say how long a project keeps its values',
    description:
      'Fields that are not named stay as they are. Values of layers older than keepRawDays go, but for ' +
      'those around spikes; their rollups stay. roundAfterDays keeps them from that age on to three digits.',
    params: projectParamsSchema,
    body: json(putProjectPolicySchema, { keepRawDays: 30, keepDistributionsDays: 90 }),
    replies: [ok(projectPolicyReplySchema, 'The policy as it stands now.', { ...EXAMPLE })],
    errors: ['project_not_found', 'invalid_body'],
  },
  {
    operationId: 'applyRetention',
    method: 'post',
    path: '/api/v1/projects/{name}/retention',
    tag: 'Manage',
    scope: 'admin',
    summary: 'Say what the policy lets go, or let it go',
    description:
      'With dryRun=true nothing goes, and the body may name another policy to try. With dryRun=false each run ' +
      'that has anything to lose gets a job apply_retention; jobId is null where too many jobs wait. The worker ' +
      'looks by itself every hour. Values go in whole blocks; those of 500 steps on both sides of what ' +
      'detectors found stay, and so do all rollups.',
    params: projectParamsSchema,
    query: retentionQuerySchema,
    body: json(retentionBodySchema, { keepRawDays: 14 }),
    replies: [
      ok(retentionReplySchema, 'What would go.'),
      {
        status: 202,
        description: 'What goes, by the jobs that are named.',
        bodies: [{ mediaType: JSON_TYPE, schema: retentionReplySchema }],
      },
    ],
    errors: ['project_not_found', 'invalid_query', 'invalid_body'],
  },
];
