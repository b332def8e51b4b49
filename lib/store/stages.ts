import type { z } from 'zod';
import type { stageIntervalSchema } from '../contract/reads';
import type { Database } from './database';
import type { Segment } from './trajectory';

export type StageInterval = z.infer<typeof stageIntervalSchema>;

/** Intervals that touch one of the segments, of one layer or of all, by attempt, layer and step; ranges of the primary key. */
export async function findStageIntervals(
  db: Database,
  runKey: string,
  segments: readonly Segment[],
  layer?: number,
): Promise<StageInterval[]> {
  if (segments.length === 0) return [];
  const rows = await db.prisma.stageInterval.findMany({
    where: {
      runKey,
      ...(layer === undefined ? {} : { layer }),
      OR: segments.map(({ attempt, fromStep, toStep }) => ({
        attempt,
        fromStep: { lte: BigInt(toStep) },
        OR: [{ toStep: null }, { toStep: { gte: BigInt(fromStep) } }],
      })),
    },
    orderBy: [{ attempt: 'asc' }, { layer: 'asc' }, { fromStep: 'asc' }],
  });
  return rows.map((row) => ({
    layer: row.layer,
    attempt: row.attempt,
    stage: row.stage,
    label: row.label,
    fromStep: Number(row.fromStep),
    toStep: row.toStep === null ? null : Number(row.toStep),
  }));
}

export async function hasStageIntervals(db: Database, runKey: string): Promise<boolean> {
  return (await db.prisma.stageInterval.findFirst({ where: { runKey } })) !== null;
}

/** How many layers of each run's newest attempt are in each stage. One range of the primary key a run. */
export async function findCurrentStages(
  db: Database,
  newestAttempts: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, Readonly<Record<string, number>>>> {
  const { rows } = await db.pool.query<{ run: string; stage: string; layers: number }>(
    `SELECT known.run::text, known.stage, count(*)::int AS layers
     FROM unnest($1::uuid[], $2::int[]) AS newest (run, attempt)
     JOIN stage_interval AS known ON known.run = newest.run AND known.attempt = newest.attempt
     WHERE known.to_step IS NULL GROUP BY known.run, known.stage`,
    [[...newestAttempts.keys()], [...newestAttempts.values()]],
  );
  const byRun = new Map<string, Record<string, number>>();
  for (const { run, stage, layers } of rows) {
    byRun.set(run, { ...byRun.get(run), [stage]: layers });
  }
  return byRun;
}
