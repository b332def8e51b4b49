/** Streams what steps reported besides their layers. */
import type { Database } from './database';
import { findMetricIds } from './metrics';
import { segmentFilter } from './segment-filter';
import { hasScalarColumn, type ScalarWithColumn } from './step-batch';
import type { Segment } from './trajectory';

/**
 * Whichever steps of the segments have been reported, ascending and distinct; at most
 * `limit`, the lowest. Reads no more of each segment than that, from the primary key.
 */
export async function findReportedSteps(
  db: Database,
  runKey: string,
  segments: readonly Segment[],
  limit: number,
): Promise<number[]> {
  const steps = new Set<number>();
  for (const segment of segments) {
    await db.copyRows(
      `SELECT step FROM step WHERE ${segmentFilter(runKey, segment)} ORDER BY step LIMIT ${limit}`,
      (row) => steps.add(row.int8(0)),
    );
  }
  return [...steps].sort((a, b) => a - b).slice(0, limit);
}

export interface StepExtent {
  readonly firstStep: number;
  readonly lastStep: number;
}

/** The first and last reported step; null when there is none. Two ends of the primary key a segment. */
export async function findStepExtent(
  db: Database,
  runKey: string,
  segments: readonly Segment[],
): Promise<StepExtent | null> {
  let firstStep = Infinity;
  let lastStep = -Infinity;
  for (const segment of segments) {
    const filter = segmentFilter(runKey, segment);
    await db.copyRows(
      `(SELECT step FROM step WHERE ${filter} ORDER BY step LIMIT 1)
       UNION ALL (SELECT step FROM step WHERE ${filter} ORDER BY step DESC LIMIT 1)`,
      (row) => {
        const step = row.int8(0);
        firstStep = Math.min(firstStep, step);
        lastStep = Math.max(lastStep, step);
      },
    );
  }
  return firstStep <= lastStep ? { firstStep, lastStep } : null;
}

/** The SQL of one scalar; null for a name that the run has never reported. */
export type ScalarColumn = string | null;

/** Where each scalar is stored; `wall_time` is one of them here. */
export async function findScalarColumns(
  db: Database,
  runKey: string,
  names: readonly string[],
): Promise<ScalarColumn[]> {
  const ids = await findMetricIds(db, runKey, 'scalar');
  return names.map((name) => {
    if (name === 'wall_time') return name;
    const id = ids.get(name);
    if (id === undefined) return null;
    // The first entry of an id is the first shard's, which is the one that counts.
    return hasScalarColumn(name)
      ? name
      : `scalar_values[array_position(scalar_ids, ${id}::smallint)]`;
  });
}

/**
 * Calls `onStep` for each reported step of the segment, ascending, with the scalars in the
 * order of `columns`; null is "not reported". The array is used again for the next step.
 */
export async function scanSteps(
  db: Database,
  runKey: string,
  segment: Segment,
  columns: readonly ScalarColumn[],
  onStep: (step: number, values: readonly (number | null)[]) => void,
): Promise<void> {
  const values: (number | null)[] = columns.map(() => null);
  const list = columns.map((column) => `, ${column ?? 'NULL::float8'}`).join('');
  await db.copyRows(
    `SELECT step${list} FROM step WHERE ${segmentFilter(runKey, segment)} ORDER BY step`,
    (row) => {
      for (let index = 0; index < columns.length; index++) values[index] = row.float8(index + 1);
      onStep(row.int8(0), values);
    },
  );
}

/** One scalar with a column of its own at given steps of one attempt, by step; keyed reads. */
export async function findStepScalar(
  db: Database,
  runKey: string,
  attempt: number,
  steps: readonly number[],
  name: ScalarWithColumn,
): Promise<ReadonlyMap<number, number | null>> {
  const { rows } = await db.pool.query<{ step: string; value: number | null }>(
    `SELECT step, ${name} AS value FROM step WHERE run = $1 AND attempt = $2 AND step = ANY($3::bigint[])`,
    [runKey, attempt, steps],
  );
  return new Map(rows.map(({ step, value }) => [Number(step), value]));
}
