/** Spikes and stage intervals as detectors leave them. */
import { z } from 'zod';
import {
  firstMoverSchema,
  globalMoverSchema,
  recoverySchema,
  reevaluationSchema,
  type Spike,
  spikeKindSchema,
  verdictSchema,
} from '../../contract/reads';
import type { Database } from '../database';
import type { Segment } from '../runs/trajectory';

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
  readonly riseStep: bigint | null;
  readonly excessArea: number | null;
  readonly levelShift: number | null;
  readonly moverCount: number | null;
  readonly globalMovers: unknown;
  readonly precursorChance: number | null;
  readonly chanceSteps: bigint | null;
  readonly reevaluation: unknown;
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
    riseStep: step(row.riseStep),
    peakStep: step(row.peakStep),
    peakValue: finite(row.peakValue),
    baseline: finite(row.baseline),
    recoveredStep: step(row.recoveredStep),
    recovery: recoverySchema.parse(row.recovery),
    excessArea: finite(row.excessArea),
    levelShift: finite(row.levelShift),
    firstMovers: z.array(firstMoverSchema).parse(row.firstMovers),
    moverCount: row.moverCount,
    globalMovers: z.array(globalMoverSchema).parse(row.globalMovers),
    verdict: verdictSchema.parse(row.verdict),
    precursorChance: finite(row.precursorChance),
    chanceSteps: step(row.chanceSteps),
    reevaluation: reevaluationSchema.nullable().parse(row.reevaluation),
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

/**
 * Loss events of an attempt that were confirmed after a step, and those of the ids, by
 * confirmation; one range of an index.
 */
export async function findConfirmedSpikes(
  db: Database,
  runKey: string,
  {
    attempt,
    afterStep,
    ids,
  }: { readonly attempt: number; readonly afterStep: number; readonly ids: readonly string[] },
): Promise<Spike[]> {
  // Asked a few times a second of each run, nearly always for nothing.
  const { rows: some } = await db.pool.query({
    name: 'has_confirmed_spikes',
    text: `SELECT 1 FROM spike WHERE run = $1 AND attempt = $2 AND kind <> 'rms_spike'
      AND (confirmed_step > $3 OR id = ANY($4::text[])) LIMIT 1`,
    values: [runKey, attempt, afterStep, ids],
  });
  if (some.length === 0) return [];
  const rows = await db.prisma.spike.findMany({
    where: {
      runKey,
      attempt,
      kind: { not: 'rms_spike' },
      OR: [{ confirmedStep: { gt: BigInt(afterStep) } }, { id: { in: [...ids] } }],
    },
    orderBy: [{ confirmedStep: 'asc' }, { id: 'asc' }],
  });
  return rows.map(toSpike);
}
