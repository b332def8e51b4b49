import type { z } from 'zod';
import type {
  AlertChannel,
  deliveriesQuerySchema,
  deliveriesReplySchema,
} from '../contract/alert-channels';
import { AppError } from '../contract/app-error';
import { findChannels } from '../store/alerts/alert-channels';
import { findDeliveries } from '../store/alerts/alert-deliveries';
import type { Database } from '../store/database';
import { findProjectPolicy } from '../store/runs/project-policy';

/** The channels of a project by name, without their secrets. Throws AppError `project_not_found`. */
export async function readChannels(db: Database, project: string): Promise<AlertChannel[]> {
  const [items] = await Promise.all([findChannels(db, project), requireProject(db, project)]);
  return items;
}

/** Messages of a project, the newest first. Throws AppError `project_not_found`. */
export async function readDeliveries(
  db: Database,
  project: string,
  query: z.infer<typeof deliveriesQuerySchema>,
): Promise<z.infer<typeof deliveriesReplySchema>> {
  const [reply] = await Promise.all([
    findDeliveries(db, project, query),
    requireProject(db, project),
  ]);
  return reply;
}

async function requireProject(db: Database, name: string): Promise<void> {
  if ((await findProjectPolicy(db, name)) === null) {
    throw new AppError('project_not_found', `there is no project ${name}`);
  }
}
