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

/** The stages that layers of each run's newest attempt are in, each once. One range of the primary key a run. */
export async function findCurrentStages(
  db: Database,
  newestAttempts: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await db.pool.query<{ run: string; stages: string[] }>(
    `SELECT known.run::text, array_agg(DISTINCT known.stage) AS stages
     FROM unnest($1::uuid[], $2::int[]) AS newest (run, attempt)
     JOIN stage_interval AS known ON known.run = newest.run AND known.attempt = newest.attempt
     WHERE known.to_step IS NULL GROUP BY known.run`,
    [[...newestAttempts.keys()], [...newestAttempts.values()]],
  );
  return new Map(rows.map(({ run, stages }) => [run, stages]));
}
