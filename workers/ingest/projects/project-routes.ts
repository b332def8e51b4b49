/** What is asked of a project as a whole. */
import { AppError } from '../../../lib/contract/app-error';
import { type DeleteProjectReply, deleteProjectQuerySchema } from '../../../lib/contract/projects';
import {
  type ProjectPolicyReply,
  putProjectPolicySchema,
} from '../../../lib/contract/project-policy';
import { saveProjectPolicy } from '../../../lib/store/runs/project-policy';
import { findProjectRuns, removeProject } from '../../../lib/store/runs/projects';
import { withBody } from '../../http/read-body';
import { type Reply, ok } from '../../http/reply';
import type { Route } from '../../http/router';
import {
  type RouteDependencies,
  type WriteHandler,
  type WriteRequest,
  bodyOptions,
  parseBody,
} from '../write-request';
import { permittedProject, projectNotFound } from './permitted-project';
import { removeRun } from './remove-run';
import { postRetention } from './retention-route';

export const PROJECT_ROUTES: readonly Route<WriteHandler>[] = [
  { method: 'DELETE', path: '/api/v1/projects/:name', handler: deleteProject },
  { method: 'PUT', path: '/api/v1/projects/:name/policy', handler: putPolicy },
  { method: 'POST', path: '/api/v1/projects/:name/retention', handler: postRetention },
];

/** 200 once all of its runs are gone; 404 project_not_found; 422 unless the name is confirmed. */
async function deleteProject(deps: RouteDependencies, write: WriteRequest): Promise<Reply> {
  const name = await permittedProject(deps, write);
  const { searchParams } = new URL(write.request.url ?? '/', 'http://localhost');
  const query = deleteProjectQuerySchema.safeParse(Object.fromEntries(searchParams));
  if (!query.success || query.data.confirm !== name) {
    const message = `expected the name of the project, ${name}`;
    throw new AppError('invalid_query', `confirm: ${message}`, {
      details: [{ path: 'confirm', message }],
    });
  }
  let runCount = 0;
  do {
    const runs = await findProjectRuns(deps.access.db, name);
    if (runs === null && runCount === 0) throw projectNotFound(name);
    for (const run of runs ?? []) await removeRun(deps, run);
    runCount += runs?.length ?? 0;
    if (runs === null) break;
    // A job may have opened another run meanwhile.
  } while (!(await removeProject(deps.access.db, name)));
  deps.alerts.noteRules(name);
  return ok({ name, deleted: true, runCount } satisfies DeleteProjectReply);
}

/** 200 with the whole policy; 404 project_not_found; 422 for any other field or a number of days that is none. */
async function putPolicy(deps: RouteDependencies, write: WriteRequest): Promise<Reply> {
  const name = await permittedProject(deps, write);
  return withBody(write.request, bodyOptions(deps), async (body) => {
    const input = parseBody(putProjectPolicySchema, body);
    const policy = await saveProjectPolicy(deps.access.db, name, input);
    if (policy === null) throw projectNotFound(name);
    return ok({ name, ...policy } satisfies ProjectPolicyReply);
  });
}
