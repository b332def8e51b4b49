/** What steps say besides their layers, as rows of `step` have it. */
import { WALL_TIME_ID } from '../compaction/scalar-rollup';
import { inSegment, Parameters } from '../postgres/parameters';
import type { RowReader } from '../postgres/snapshot';
import { hasScalarColumn } from '../writing/step-batch';
import type { Segment } from '../runs/trajectory';

/** Where one scalar is stored; null for a name that the run has never reported. */
export type ScalarColumn = {
  /** Its number in rollups. */
  readonly id: number;
  /** Its column in `step`; null where it is one of the arrays' entries. */
  readonly column: string | null;
} | null;

/** `wall_time` is one of the scalars here. */
export function scalarColumns(
  ids: ReadonlyMap<string, number>,
  names: readonly string[],
): ScalarColumn[] {
  return names.map((name) => {
    if (name === 'wall_time') return { id: WALL_TIME_ID, column: name };
    const id = ids.get(name);
    if (id === undefined) return null;
    return { id, column: hasScalarColumn(name) ? name : null };
  });
}

/** The scalars of a row of `step`, each after a comma; NULL is "not reported". */
export function selectScalars(p: Parameters, columns: readonly ScalarColumn[]): string {
  return columns
    .map((scalar) => {
      if (scalar === null) return ', NULL::float8';
      // The first entry of an id is the first shard's, which is the one that counts.
      const id = scalar.column === null ? p.integer('smallint', scalar.id) : '';
      return `, ${scalar.column ?? `scalar_values[array_position(scalar_ids, ${id})]`}`;
    })
    .join('');
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
  const p = new Parameters();
  await reader.readAll([
    {
      sql: `SELECT reported.* FROM ${p.segments([segment])} CROSS JOIN LATERAL (
          SELECT step${selectScalars(p, columns)} FROM step WHERE ${inSegment(p.uuid(runKey))} ORDER BY step
        ) AS reported`,
      values: p.values,
      onRow: (row) => {
        for (let index = 0; index < columns.length; index++) values[index] = row.float8(index + 1);
        onStep(row.int8(0), values);
      },
    },
  ]);
}
