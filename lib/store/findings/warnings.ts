/** Warnings of detectors: what is no spike and still asks for someone. */
import type { PoolClient } from 'pg';
import { type WarningKind, warningKindSchema } from '../../contract/warnings';
import { floatsParameter } from '../postgres/binary-writer';
import type { CopyRow } from '../postgres/copy-binary';
import { Parameters } from '../postgres/parameters';
import type { PreparedQuery } from '../postgres/prepared-read';
import type { RowReader } from '../postgres/snapshot';
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

export interface WarningSelection {
  readonly segments: readonly Segment[];
  readonly limit: number;
}

/** What finds warnings, for a caller who sends more queries with it; one range of an index. */
export function warningsQuery(
  runKey: string,
  { segments, limit }: WarningSelection,
): { readonly query: PreparedQuery; readonly warnings: StoredWarning[] } {
  const warnings: StoredWarning[] = [];
  const p = new Parameters();
  const sql = `SELECT id, warning.attempt, kind, warning.from_step, warning.to_step, peak_step, peak_value, learning_rate
    FROM ${p.segments(segments)}
    JOIN warning ON warning.attempt = segment.attempt AND warning.from_step <= segment.to_step
      AND (warning.to_step IS NULL OR warning.to_step >= segment.from_step)
    WHERE run = ${p.uuid(runKey)} ORDER BY warning.from_step, id LIMIT ${p.integer('int', limit)}`;
  const onRow = (row: CopyRow): void => {
    warnings.push({
      ...{ id: row.text(0), attempt: row.int4(1), kind: warningKindSchema.parse(row.text(2)) },
      ...{ fromStep: row.int8(3), toStep: row.isNull(4) ? null : row.int8(4) },
      ...{ peakStep: row.int8(5), peakValue: row.float8(6) ?? NaN, learningRate: row.float8(7) },
    });
  };
  return { query: { sql, values: p.values, onRow }, warnings };
}

/** Warnings that touch one of the segments, by first step; one range of an index. */
export async function findWarnings(
  reader: RowReader,
  runKey: string,
  selection: WarningSelection,
): Promise<StoredWarning[]> {
  const { query, warnings } = warningsQuery(runKey, selection);
  await reader.readAll([query]);
  return warnings;
}
