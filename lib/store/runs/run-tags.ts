import type { Database } from '../database';
import { DELETING } from './run-status';

/** More than anybody chooses from; those beyond are found by search. */
const MOST_TAGS = 1000;

export interface TagCount {
  readonly name: string;
  readonly runCount: number;
}

/** Tags with the number of runs that have each, the most used first. One scan of the runs. */
export async function findTags(db: Database, project?: string): Promise<TagCount[]> {
  const { rows } = await db.pool.query<{ name: string; run_count: number }>(
    `SELECT tag AS name, count(DISTINCT run)::int AS run_count FROM run, unnest(tags) AS tag
     WHERE status <> $1 AND ($2::text IS NULL OR project = $2)
     GROUP BY tag ORDER BY run_count DESC, tag LIMIT ${MOST_TAGS}`,
    [DELETING, project ?? null],
  );
  return rows.map(({ name, run_count: runCount }) => ({ name, runCount }));
}
