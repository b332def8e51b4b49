/** Which runs alert rules may have to look at, and what they know of each before its steps are read. */
import type { Database } from '../database';
import { DELETING } from '../runs/run-status';

/** A run that rules may look at. */
export interface WatchedRun {
  readonly runKey: string;
  readonly project: string;
}

/** The longest silence that a rule may tell of is seven days. */
const WATCHED_DAYS = 8;

/**
 * Runs that go on in projects with rules that are switched on and that were heard of within
 * eight days, and those with an incident that nobody has closed; the newest first. Of one
 * project, or of all. One probe of the steps' primary key a run.
 */
export async function findWatchedRuns(db: Database, project?: string): Promise<WatchedRun[]> {
  const { rows } = await db.pool.query<{ run: string; project: string }>(
    `SELECT run.run::text, run.project FROM run
     WHERE run.status <> '${DELETING}' AND ($1::text IS NULL OR run.project = $1)
       AND run.project IN (SELECT alert_rule.project FROM alert_rule WHERE is_enabled)
       AND (EXISTS (SELECT 1 FROM incident WHERE incident.run = run.run AND incident.closed_at IS NULL)
         OR (run.status = 'running' AND greatest(run.created_at, (
           SELECT received_at FROM step WHERE step.run = run.run ORDER BY attempt DESC, step DESC LIMIT 1
         )) > now() - make_interval(days => ${WATCHED_DAYS})))
     ORDER BY run.created_at DESC`,
    [project ?? null],
  );
  return rows.map(({ run, project: of }) => ({ runKey: run, project: of }));
}

/** When each attempt of a run opened; one range of the primary key. */
export async function findAttemptTimes(
  db: Database,
  runKey: string,
): Promise<ReadonlyMap<number, Date>> {
  const rows = await db.prisma.attempt.findMany({
    where: { runKey },
    select: { attempt: true, createdAt: true },
  });
  return new Map(rows.map(({ attempt, createdAt }) => [attempt, createdAt]));
}

/**
 * The newest step of an attempt that was received before a moment; null where there is none.
 * The end of a range of the primary key, back to that moment.
 */
export async function findStepBefore(
  db: Database,
  runKey: string,
  attempt: number,
  before: Date,
): Promise<number | null> {
  const { rows } = await db.pool.query<{ step: string }>(
    `SELECT step FROM step WHERE run = $1 AND attempt = $2 AND received_at < $3
     ORDER BY step DESC LIMIT 1`,
    [runKey, attempt, before],
  );
  return rows[0] === undefined ? null : Number(rows[0].step);
}

/** The newest step of an attempt and when it came; null before the first. The end of a range of the primary key. */
export async function findLastHeard(
  db: Database,
  runKey: string,
  attempt: number,
): Promise<{ readonly step: number; readonly receivedAt: Date } | null> {
  const { rows } = await db.pool.query<{ step: string; received_at: Date }>({
    name: 'find_last_heard',
    text: `SELECT step, received_at FROM step WHERE run = $1 AND attempt = $2 ORDER BY step DESC LIMIT 1`,
    values: [runKey, attempt],
  });
  const [row] = rows;
  return row === undefined ? null : { step: Number(row.step), receivedAt: row.received_at };
}
