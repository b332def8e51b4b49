/** Warnings of detectors: what is no spike and still asks for someone. */
import type { PoolClient } from 'pg';
import { type WarningKind, warningKindSchema } from '../../contract/warnings';
import { floatsParameter } from '../postgres/binary-writer';
import type { Database } from '../database';
import type { Segment } from '../runs/trajectory';

export interface StoredWarning {
  readonly id: string;
  readonly attempt: number;
  readonly kind: WarningKind;
  readonly fromStep: number;
  /** null while it holds. */
  readonly toStep: number | null;
  readonly peakStep: number;
  readonly peakValue: number;
  readonly learningRate: number | null;
}

export type WarningToSave = StoredWarning;

/** At most one an id; what was said before is written over. */
export async function upsertWarnings(
  client: PoolClient,
  runKey: string,
  warnings: readonly WarningToSave[],
): Promise<void> {
  await client.query({
    name: 'upsert_warnings',
    text: `INSERT INTO warning (run, id, attempt, kind, from_step, to_step, peak_step, peak_value, learning_rate)
      SELECT $1::uuid, * FROM unnest($2::text[], $3::int[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::float8[], $9::float8[])
      ON CONFLICT (run, id) DO UPDATE SET to_step = excluded.to_step, peak_step = excluded.peak_step,
        peak_value = excluded.peak_value, learning_rate = excluded.learning_rate`,
    values: [
      runKey,
      warnings.map(({ id }) => id),
      warnings.map(({ attempt }) => attempt),
      warnings.map(({ kind }) => kind),
      warnings.map(({ fromStep }) => fromStep),
      warnings.map(({ toStep }) => toStep),
      warnings.map(({ peakStep }) => peakStep),
      floatsParameter(warnings.map(({ peakValue }) => peakValue)),
      floatsParameter(warnings.map(({ learningRate }) => learningRate)),
    ],
  });
}

/** Warnings that touch one of the segments, by first step; one range of an index. */
export async function findWarnings(
  db: Database,
  runKey: string,
  { segments, limit }: { readonly segments: readonly Segment[]; readonly limit: number },
): Promise<StoredWarning[]> {
  if (segments.length === 0) return [];
  const rows = await db.prisma.warning.findMany({
    where: {
      runKey,
      OR: segments.map(({ attempt, fromStep, toStep }) => ({
        attempt,
        fromStep: { lte: BigInt(toStep) },
        OR: [{ toStep: null }, { toStep: { gte: BigInt(fromStep) } }],
      })),
    },
    orderBy: [{ fromStep: 'asc' }, { id: 'asc' }],
    take: limit,
  });
  return rows.map((row) => ({
    id: row.id,
    attempt: row.attempt,
    kind: warningKindSchema.parse(row.kind),
    fromStep: Number(row.fromStep),
    toStep: row.toStep === null ? null : Number(row.toStep),
    peakStep: Number(row.peakStep),
    peakValue: row.peakValue,
    learningRate: row.learningRate,
  }));
}
