import { AppError } from '../../../lib/contract/app-error';
import { projectParamsSchema } from '../../../lib/contract/projects';
import { authenticate, permitProject, permitScope } from '../../access/principal';
import type { RouteDependencies, WriteRequest } from '../write-request';

export function projectNotFound(name: string): AppError {
  return new AppError('project_not_found', `there is no project ${name}`);
}

/** The project that is asked for. Throws AppError `unauthorized`, `forbidden`, `project_not_found`. */
export async function permittedProject(
  deps: RouteDependencies,
  { request, params }: WriteRequest,
  scope: 'ingest' | 'admin' = 'admin',
): Promise<string> {
  const principal = await authenticate(request.headers, deps.access);
  permitScope(principal, scope);
  const parsed = projectParamsSchema.safeParse(params);
  if (!parsed.success) throw projectNotFound(params['name'] ?? '');
  permitProject(principal, parsed.data.name);
  return parsed.data.name;
}
