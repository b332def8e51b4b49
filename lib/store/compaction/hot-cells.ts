/** What is hot of an attempt, counted a cell of 64 steps. */
import type { ClientBase } from 'pg';
import { BLOCK_STEPS } from './block-layout';
import type { HotCell } from './choose-spans';
import type { AttemptId } from './compaction-state';

/** One beyond the last step that there can be. */
export const END_OF_STEPS = Number.MAX_SAFE_INTEGER + 1;

/** The lowest hot step from `fromStep` on and below `toStep`; null for none. One end of a primary key range. */
export async function findFirstHotStep(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
  fromStep: number,
  toStep = END_OF_STEPS,
): Promise<number | null> {
  const { rows } = await client.query<{ step: string }>({
    name: 'compaction_first_hot_step',
    text: `SELECT step FROM hot_frame WHERE run = $1 AND attempt = $2 AND step >= $3 AND step < $4
      ORDER BY step LIMIT 1`,
    values: [runKey, attempt, fromStep, toStep],
  });
  return rows[0] === undefined ? null : Number(rows[0].step);
}

export interface HotCount {
  readonly rows: number;
  readonly sizeBytes: number;
}

/** All that is hot of an attempt. Reads the rows, not their values. */
export async function countHot(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
): Promise<HotCount> {
  const { rows } = await client.query<{ rows: string; bytes: string }>({
    name: 'compaction_count_hot',
    text: `SELECT count(*) AS rows, coalesce(sum(octet_length("values")), 0) AS bytes
      FROM hot_frame WHERE run = $1 AND attempt = $2`,
    values: [runKey, attempt],
  });
  return { rows: Number(rows[0]?.rows ?? 0), sizeBytes: Number(rows[0]?.bytes ?? 0) };
}

/** The cells of [fromStep, toStep) that hold anything, ascending. Reads the rows, not their values. */
export async function countHotCells(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
  fromStep: number,
  toStep: number,
): Promise<HotCell[]> {
  const { rows } = await client.query<{ cell: string; steps: string; rows: string; bytes: string }>(
    {
      name: 'compaction_count_cells',
      text: `SELECT step / ${BLOCK_STEPS} AS cell,
          count(DISTINCT step) FILTER (WHERE metric_ids <> '{}') AS steps,
          count(*) AS rows, sum(octet_length("values")) AS bytes
        FROM hot_frame WHERE run = $1 AND attempt = $2 AND step >= $3 AND step < $4
        GROUP BY 1 ORDER BY 1`,
      values: [runKey, attempt, fromStep, toStep],
    },
  );
  return rows.map((row) => ({
    firstStep: Number(row.cell) * BLOCK_STEPS,
    layeredSteps: Number(row.steps),
    rows: Number(row.rows),
    sizeBytes: Number(row.bytes),
  }));
}
