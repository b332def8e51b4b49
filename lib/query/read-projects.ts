import type { ProjectsReply } from '../contract/reads';
import type { Database } from '../store/database';
import { findProjects } from '../store/runs/projects';

/** All projects by name, those without runs too. */
export async function readProjects(db: Database): Promise<ProjectsReply> {
  const projects = await findProjects(db);
  return {
    items: projects.map(({ name, runCount, lastFrameAt }) => ({
      name,
      runCount,
      lastFrameAt: lastFrameAt?.toISOString() ?? null,
    })),
  };
}
