import { AppError } from '../contract/app-error';
import type { ProjectPolicyReply } from '../contract/project-policy';
import type { Database } from '../store/database';
import { findProjectPolicy } from '../store/runs/project-policy';

/** What a project keeps, and for how long. Throws AppError `project_not_found`. */
export async function readProjectPolicy(db: Database, name: string): Promise<ProjectPolicyReply> {
  const policy = await findProjectPolicy(db, name);
  if (policy === null) throw new AppError('project_not_found', `there is no project ${name}`);
  return { name, ...policy };
}
