/**
 * Builds the row of one rollup level for what steps say besides their layers, from the
 * highest rows below that are kept and from the rows of `step` where there are none.
 */
import type { ClientBase } from 'pg';
import { CopyIn, CopyOut, type CopyRow, type RowQuery } from '../postgres/copy-binary';
import { uuidBytes } from '../runs/run-key';
import { isWorthKeeping, rowSteps } from './block-layout';
import {
  CopyRows,
  decodeScalarRollup,
  SCALAR_ROLLUP_COLUMNS,
  SCALAR_ROLLUP_TARGET,
  type PlacedScalarRollup,
} from './block-rows';
import type { AttemptId } from './compaction-state';
import { overlaps, uncoveredOf, type Interval } from './intervals';
import { intervalOf, type RollupPlace } from './roll-metrics';
import { ScalarRollupAccumulator, WALL_TIME_ID } from './scalar-rollup';

export interface ScalarRollJob {
  readonly id: AttemptId;
  readonly place: RollupPlace;
  /** The numbers of the scalars that have a column in `step`, by that column. */
  readonly columnIds: ReadonlyMap<string, number>;
  /** A row of the place may be there and is replaced. */
  readonly isRewrite: boolean;
}

/** Writes the row of a place if it pays; returns how many rows it wrote. */
export async function rollScalars(client: ClientBase, job: ScalarRollJob): Promise<number> {
  const { id, place, columnIds, isRewrite } = job;
  if (isRewrite) {
    await client.query({
      name: 'compaction_delete_scalars',
      text: `DELETE FROM scalar_rollup WHERE run = $1 AND attempt = $2 AND level = $3 AND block = $4`,
      values: [id.runKey, id.attempt, place.level, place.block],
    });
  }
  const { rollups, gaps } = await findRollups(client, id, place);
  const accumulator = new ScalarRollupAccumulator(place.level, place.block);
  let columns = 0;
  // Rows and steps in ascending order, which the last values depend on.
  const sources = [
    ...rollups.map((placed) => ({ from: intervalOf(placed).from, placed })),
    ...gaps.map((gap) => ({ from: gap.from, gap })),
  ].sort((a, b) => a.from - b.from);
  for (const source of sources) {
    if ('placed' in source) {
      columns += source.placed.rollup.slots.length;
      accumulator.addRollup(source.placed.rollup);
      continue;
    }
    const onRow: RowQuery['onRow'] = (row) => {
      columns++;
      accumulator.addStep(row.int8(0), valuesOf(row, columnIds));
    };
    await client.query(new CopyOut([{ sql: selectSteps(id, source.gap), onRow }])).done;
  }
  const rollup = accumulator.finish();
  if (rollup === null || !isWorthKeeping(columns, rollup.slots.length)) return 0;
  const copy = new CopyRows();
  const key = { runBytes: uuidBytes(id.runKey), attempt: id.attempt };
  copy.addScalarRollup(key, { ...place, rollup });
  await client.query(new CopyIn(SCALAR_ROLLUP_TARGET, copy.finish())).done;
  return 1;
}

async function findRollups(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
  place: RollupPlace,
): Promise<{ rollups: readonly PlacedScalarRollup[]; gaps: readonly Interval[] }> {
  const whole = intervalOf(place);
  const rollups: PlacedScalarRollup[] = [];
  let gaps: readonly Interval[] = [whole];
  for (let level = place.level - 1; level >= 0 && gaps.length > 0; level--) {
    const steps = rowSteps(level);
    const sql = `SELECT ${SCALAR_ROLLUP_COLUMNS} FROM scalar_rollup
      WHERE run = '${runKey}' AND attempt = ${attempt} AND level = ${level} AND block >= ${whole.from / steps} AND block < ${whole.to / steps}`;
    const open = gaps;
    const onRow: RowQuery['onRow'] = (row) => {
      const placed = decodeScalarRollup(row);
      // A row whose steps are in a higher one already has been summed up by that.
      if (open.some((gap) => overlaps(gap, intervalOf(placed)))) rollups.push(placed);
    };
    await client.query(new CopyOut([{ sql, onRow }])).done;
    gaps = uncoveredOf(whole, rollups.map(intervalOf));
  }
  return { rollups, gaps };
}

const COLUMNS = ['loss', 'learning_rate', 'gradient_norm'] as const;

function selectSteps({ runKey, attempt }: AttemptId, { from, to }: Interval): string {
  return `SELECT step, wall_time, ${COLUMNS.join(', ')}, scalar_ids, scalar_values FROM step
    WHERE run = '${runKey}' AND attempt = ${attempt} AND step >= ${from} AND step < ${to}
    ORDER BY step`;
}

/** NULL is "not reported"; of a custom scalar's values the first counts, as everywhere. */
function* valuesOf(
  row: CopyRow,
  columnIds: ReadonlyMap<string, number>,
): Generator<readonly [number, number]> {
  const wallTime = row.float8(1);
  if (wallTime !== null) yield [WALL_TIME_ID, wallTime];
  for (const [index, column] of COLUMNS.entries()) {
    const id = columnIds.get(column);
    const value = row.float8(index + 2);
    if (id !== undefined && value !== null) yield [id, value];
  }
  const ids = row.int2Array(5);
  const values = row.float8Array(6);
  for (const [index, id] of ids.entries()) {
    const value = values[index];
    if (value !== undefined) yield [id, value];
  }
}
