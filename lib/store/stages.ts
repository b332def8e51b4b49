import type { z } from 'zod';
import type { stageIntervalSchema } from '../contract/reads';
import type { Database } from './database';
import type { Segment } from './trajectory';

export type StageInterval = z.infer<typeof stageIntervalSchema>;

/** Intervals that touch one of the segments, by attempt, layer and step; ranges of the primary key. */
export async function findStageIntervals(
  db: Database,
  runKey: string,
  segments: readonly Segment[],
): Promise<StageInterval[]> {
  if (segments.length === 0) return [];
  const rows = await db.prisma.stageInterval.findMany({
    where: {
      runKey,
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
