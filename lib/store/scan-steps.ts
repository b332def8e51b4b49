/** Streams what steps reported besides their layers. */
import { WALL_TIME_ID } from './compaction/scalar-rollup';
import { integerLiteral, segmentFilter } from './segment-filter';
import type { RowReader } from './snapshot';
import { hasScalarColumn } from './step-batch';
import type { Segment } from './trajectory';

/** Where one scalar is stored; null for a name that the run has never reported. */
export type ScalarColumn = {
  /** Its number in rollups. */
  readonly id: number;
  /** Its place in a row of `step`. */
  readonly sql: string;
} | null;

/** `wall_time` is one of the scalars here. */
export function scalarColumns(
  ids: ReadonlyMap<string, number>,
  names: readonly string[],
): ScalarColumn[] {
  return names.map((name) => {
    if (name === 'wall_time') return { id: WALL_TIME_ID, sql: name };
    const id = ids.get(name);
    if (id === undefined) return null;
    // The first entry of an id is the first shard's, which is the one that counts.
    const entry = `scalar_values[array_position(scalar_ids, ${integerLiteral(id)}::smallint)]`;
    return { id, sql: hasScalarColumn(name) ? name : entry };
  });
}

/**
 * Calls `onStep` for each reported step of the segment, ascending, with the scalars in the
 * order of `columns`; null is "not reported". The array is used again for the next step.
 */
export async function scanSteps(
  reader: RowReader,
  runKey: string,
  segment: Segment,
  columns: readonly ScalarColumn[],
  onStep: (step: number, values: readonly (number | null)[]) => void,
): Promise<void> {
  const values: (number | null)[] = columns.map(() => null);
  const list = columns.map((column) => `, ${column?.sql ?? 'NULL::float8'}`).join('');
  await reader.copyRows(
    `SELECT step${list} FROM step WHERE ${segmentFilter(runKey, segment)} ORDER BY step`,
    (row) => {
      for (let index = 0; index < columns.length; index++) values[index] = row.float8(index + 1);
      onStep(row.int8(0), values);
    },
  );
}
