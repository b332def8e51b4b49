/** What a backtest of an alert rule reads beside the steps of runs. */
import { AppError } from '../../contract/app-error';
import type { Database } from '../database';
import { runKeyOf } from '../runs/run-key';
import { DELETING } from '../runs/run-status';
import { runNotFound } from '../runs/runs';
import type { Segment } from '../runs/trajectory';

/**
 * The runs that are named, in that order, or the newest of the project.
 *
 * Throws  AppError `project_not_found`, `run_not_found` for a run of another project
 */
export async function findBacktestRuns(
  db: Database,
  project: string,
  { runIds, limit }: { readonly runIds: readonly string[] | undefined; readonly limit: number },
): Promise<string[]> {
  const known = await db.prisma.project.findUnique({ where: { name: project } });
  if (known === null) throw new AppError('project_not_found', `there is no project ${project}`);
  const rows = await db.prisma.run.findMany({
    where: {
      project,
      status: { not: DELETING },
      ...(runIds === undefined ? {} : { runKey: { in: runIds.map(runKeyOf) } }),
    },
    orderBy: [{ createdAt: 'desc' }, { runKey: 'desc' }],
    take: runIds?.length ?? limit,
    select: { id: true },
  });
  if (runIds === undefined) return rows.map(({ id }) => id);
  const missing = runIds.find((id) => !rows.some((row) => row.id === id));
  if (missing !== undefined) throw runNotFound(missing);
  return [...new Set(runIds)];
}

/** A silence between two steps of an attempt that follow each other; null: the last of them. */
export interface Silence {
  readonly step: number;
  readonly fromMs: number;
  readonly next: { readonly step: number; readonly atMs: number } | null;
}

/** Steps after which nothing was received for longer than `minutes`, and the last step; ascending. */
export async function findSilences(
  db: Database,
  runKey: string,
  { attempt, fromStep, toStep }: Segment,
  minutes: number,
): Promise<Silence[]> {
  const { rows } = await db.pool.query<{
    step: string;
    received_at: Date;
    next_step: string | null;
    next_at: Date | null;
  }>(
    `SELECT step, received_at, next_step, next_at FROM (
       SELECT step, received_at, lead(step) OVER heard AS next_step, lead(received_at) OVER heard AS next_at
       FROM step WHERE run = $1 AND attempt = $2 AND step BETWEEN $3 AND $4
       WINDOW heard AS (ORDER BY step)) AS following
     WHERE next_at IS NULL OR next_at - received_at > make_interval(secs => $5) ORDER BY step LIMIT 1000`,
    [runKey, attempt, fromStep, toStep, minutes * 60],
  );
  return rows.map((row) => ({
    step: Number(row.step),
    fromMs: row.received_at.getTime(),
    next:
      row.next_step === null || row.next_at === null
        ? null
        : { step: Number(row.next_step), atMs: row.next_at.getTime() },
  }));
}
