/** Spikes and stage intervals as detectors leave them. */
import { z } from 'zod';
import {
  firstMoverSchema,
  recoverySchema,
  type Spike,
  spikeKindSchema,
  verdictSchema,
} from '../contract/reads';
import type { Database } from './database';
import type { Segment } from './trajectory';

interface SpikeRow {
  readonly id: string;
  readonly attempt: number;
  readonly kind: string;
  readonly onsetStep: bigint;
  readonly confirmedStep: bigint | null;
  readonly peakStep: bigint | null;
  readonly peakValue: number | null;
  readonly baseline: number | null;
  readonly recoveredStep: bigint | null;
  readonly recovery: string;
  readonly firstMovers: unknown;
  readonly verdict: string;
}

function toSpike(row: SpikeRow): Spike {
  const step = (value: bigint | null): number | null => (value === null ? null : Number(value));
  const finite = (value: number | null): number | null =>
    value !== null && Number.isFinite(value) ? value : null;
  return {
    id: row.id,
    attempt: row.attempt,
    kind: spikeKindSchema.parse(row.kind),
    onsetStep: Number(row.onsetStep),
    confirmedStep: step(row.confirmedStep),
    peakStep: step(row.peakStep),
    peakValue: finite(row.peakValue),
    baseline: finite(row.baseline),
    recoveredStep: step(row.recoveredStep),
    recovery: recoverySchema.parse(row.recovery),
    firstMovers: z.array(firstMoverSchema).parse(row.firstMovers),
    verdict: verdictSchema.parse(row.verdict),
  };
}

/** By onset; one range of an index. */
export async function findSpikes(
  db: Database,
  runKey: string,
  {
    segments,
    kind,
    limit,
  }: {
    readonly segments: readonly Segment[];
    readonly kind: Spike['kind'] | undefined;
    readonly limit: number;
  },
): Promise<Spike[]> {
  if (segments.length === 0) return [];
  const rows = await db.prisma.spike.findMany({
    where: {
      runKey,
      ...(kind === undefined ? {} : { kind }),
      OR: segments.map(({ attempt, fromStep, toStep }) => ({
        attempt,
        onsetStep: { gte: BigInt(fromStep), lte: BigInt(toStep) },
      })),
    },
    orderBy: [{ onsetStep: 'asc' }, { id: 'asc' }],
    take: limit,
  });
  return rows.map(toSpike);
}

export async function findSpike(db: Database, runKey: string, id: string): Promise<Spike | null> {
  const row = await db.prisma.spike.findUnique({ where: { runKey_id: { runKey, id } } });
  return row === null ? null : toSpike(row);
}
