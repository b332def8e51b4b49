/** What is asked of a project as a whole. */
import { AppError } from '../../../lib/contract/app-error';
import {
  type DeleteProjectReply,
  deleteProjectQuerySchema,
  projectParamsSchema,
} from '../../../lib/contract/projects';
import { findProjectRuns, removeProject } from '../../../lib/store/projects';
import { authenticate, permitProject, permitScope } from '../../access/principal';
import { type Reply, ok } from '../../http/reply';
import type { Route } from '../../http/router';
import type { RouteDependencies, WriteHandler, WriteRequest } from '../write-request';
import { removeRun } from './remove-run';

export const PROJECT_ROUTES: readonly Route<WriteHandler>[] = [
  { method: 'DELETE', path: '/api/v1/projects/:name', handler: deleteProject },
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
  return ok({ name, deleted: true, runCount } satisfies DeleteProjectReply);
}

function projectNotFound(name: string): AppError {
  return new AppError('project_not_found', `there is no project ${name}`);
}

/** Throws AppError `unauthorized`, `forbidden`, `project_not_found`. */
export async function permittedProject(
  deps: RouteDependencies,
  { request, params }: WriteRequest,
): Promise<string> {
  const principal = await authenticate(request.headers, deps.access);
  permitScope(principal, 'admin');
  const parsed = projectParamsSchema.safeParse(params);
  if (!parsed.success) throw projectNotFound(params['name'] ?? '');
  permitProject(principal, parsed.data.name);
  return parsed.data.name;
}
