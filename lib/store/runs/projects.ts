import type { Database } from '../database';
import { DELETING } from './run-status';

export interface StoredProject {
  readonly name: string;
  readonly runCount: number;
  readonly lastFrameAt: Date | null;
}

/** All projects by name. One probe of the steps' primary key a run. */
export async function findProjects(db: Database): Promise<StoredProject[]> {
  const { rows } = await db.pool.query<{
    name: string;
    run_count: number;
    last_frame_at: Date | null;
  }>(
    `SELECT project.name, count(run.run)::int AS run_count, max(latest.received_at) AS last_frame_at
     FROM project
     LEFT JOIN run ON run.project = project.name AND run.status <> $1
     LEFT JOIN LATERAL (
       SELECT received_at FROM step WHERE step.run = run.run
       ORDER BY attempt DESC, step DESC LIMIT 1
     ) AS latest ON true
     GROUP BY project.name ORDER BY project.name`,
    [DELETING],
  );
  return rows.map((row) => ({
    name: row.name,
    runCount: row.run_count,
    lastFrameAt: row.last_frame_at,
  }));
}

/** The runs of a project, those too whose deletion broke off; null for a project that does not exist. */
export async function findProjectRuns(
  db: Database,
  name: string,
): Promise<
  readonly { readonly id: string; readonly runKey: string; readonly name: string }[] | null
> {
  const [project, runs] = await Promise.all([
    db.prisma.project.findUnique({ where: { name } }),
    db.prisma.run.findMany({
      where: { project: name },
      select: { id: true, runKey: true, name: true },
    }),
  ]);
  return project === null ? null : runs;
}

/**
 * Takes the name out of the list, with its alert rules and channels, unless a run has come
 * meanwhile. Returns whether it is gone.
 */
export async function removeProject(db: Database, name: string): Promise<boolean> {
  const { rowCount } = await db.pool.query(
    `DELETE FROM project WHERE name = $1
       AND NOT EXISTS (SELECT 1 FROM run WHERE run.project = project.name)`,
    [name],
  );
  if (rowCount !== 1) return false;
  await db.prisma.alertRule.deleteMany({ where: { project: name } });
  await db.prisma.alertChannel.deleteMany({ where: { project: name } });
  return true;
}
