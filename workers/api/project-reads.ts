/** What is read of a project as a whole. */
import { AppError } from '../../lib/contract/app-error';
import { projectParamsSchema } from '../../lib/contract/projects';
import { readProjectPolicy } from '../../lib/query/read-project-policy';
import type { Database } from '../../lib/store/database';
import { permitProject } from '../access/principal';
import { type Reply, ok } from '../http/reply';
import type { Route } from '../http/router';
import type { ReadHandler, ReadRequest } from './read-request';

export const PROJECT_READ_ROUTES: readonly Route<ReadHandler>[] = [
  { method: 'GET', path: '/api/v1/projects/:name/policy', handler: getPolicy },
];

/** 200; 403 for another project than the token's; 404 project_not_found. */
async function getPolicy(db: Database, request: ReadRequest): Promise<Reply> {
  return ok(await readProjectPolicy(db, permittedProjectName(request)));
}

/** Throws AppError `project_not_found` for a name that none can have, `forbidden`. */
export function permittedProjectName({ params, principal }: ReadRequest): string {
  const parsed = projectParamsSchema.safeParse(params);
  if (!parsed.success) {
    throw new AppError('project_not_found', `there is no project ${params['name'] ?? ''}`);
  }
  permitProject(principal, parsed.data.name);
  return parsed.data.name;
}
