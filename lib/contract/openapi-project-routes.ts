import { RUN, ok, type RouteDescription } from './openapi-route';
import {
  deleteProjectQuerySchema,
  deleteProjectReplySchema,
  projectParamsSchema,
  runSizeReplySchema,
} from './projects';
import { runParamsSchema } from './reads';

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
];
