import type { TagsReply } from '../contract/reads';
import type { Database } from '../store/database';
import { findTags } from '../store/runs/run-tags';

/** The tags of all runs, or of one project's, the most used first. */
export async function readTags(db: Database, project?: string): Promise<TagsReply> {
  return { items: await findTags(db, project) };
}
