/**
 * One unit of rounding, one transaction: blocks whose steps are all old are written again with
 * nine bits of mantissa, and so are the extremes of rollup rows that end with them. What lies
 * beside an anomaly stays as it is, whole blocks and rows of it. Killed anywhere, nothing has
 * happened; done again, nothing changes, since a rounded value is rounded to itself.
 *
 * Steps that come late later on make their block and rows exact again, around the values that
 * were rounded, and set the attempt's `roundedTo` back.
 */
import type { ClientBase } from 'pg';
import { findAnomalySurroundings } from '../findings/anomaly-surroundings';
import { CopyIn, CopyOut, type RowQuery } from '../postgres/copy-binary';
import { uuidBytes } from '../runs/run-key';
import { alignUp, MAX_SPAN, rowSteps } from './block-layout';
import {
  CopyRows,
  decodeMetricBlock,
  decodeMetricRollup,
  METRIC_BLOCK_COLUMNS,
  METRIC_BLOCK_TARGET,
  METRIC_ROLLUP_COLUMNS,
  METRIC_ROLLUP_TARGET,
} from './block-rows';
import { lockAttempt, saveState, type AttemptFacts, type AttemptId } from './compaction-state';
import { overlaps, type Interval } from './intervals';
import { findReportedStep } from './roll-levels';
import { intervalOf, ownedBy, type RollupPlace } from './roll-metrics';
import { IS_ROUNDABLE, roundRollup } from './rollup-codec';
import { MIN_PACKED_COLUMNS, ROUNDED_CODEC } from './value-codec';

export interface RoundingUnit {
  /** Whether there is more to do at once. */
  readonly hasMore: boolean;
  /** Blocks and rollup rows that were written again. */
  readonly blocks: number;
  readonly rollups: number;
}

/** Of the values as they are stored; a unit takes as long as one of compaction. */
const MAX_UNIT_BYTES = 4 * 1024 * 1024;

/**
 * Rounds the next blocks of an attempt of which every step was received before
 * `receivedBefore`. Throws whatever the database says; nothing has changed then.
 */
export async function roundAttempt(
  client: ClientBase,
  id: AttemptId,
  { receivedBefore }: { readonly receivedBefore: Date },
): Promise<RoundingUnit> {
  await client.query('BEGIN');
  try {
    // What a crash takes with it is done again: no flush of its own.
    await client.query('SET LOCAL synchronous_commit = off');
    const facts = await lockAttempt(client, id);
    const unit = facts === null ? DONE : await roundLocked(client, id, facts, receivedBefore);
    await client.query('COMMIT');
    return unit;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

const DONE: RoundingUnit = { hasMore: false, blocks: 0, rollups: 0 };

async function roundLocked(
  client: ClientBase,
  id: AttemptId,
  facts: AttemptFacts,
  receivedBefore: Date,
): Promise<RoundingUnit> {
  const { blocksTo, roundedTo } = facts;
  if (roundedTo >= blocksTo) return DONE;
  const stretch = await findOldStretch(client, id, facts, receivedBefore);
  const heads = await findBlockHeads(client, id, facts, stretch);
  const { taken, isAll } = takeSome(heads);
  const ends = taken.map(({ firstStep, span }) => firstStep + span);
  const end =
    isAll && stretch.isOpen
      ? stretch.to
      : ends.reduce((highest, at) => Math.max(highest, at), roundedTo);
  if (end === roundedTo) return DONE;
  const candidates = taken.filter(
    ({ codec, stepCount }) => codec !== ROUNDED_CODEC && stepCount >= MIN_PACKED_COLUMNS,
  );
  const places = await findRollupPlaces(client, id, facts, end);
  const isAside = await findWhatIsAside(client, id, [
    ...candidates.map(stepsOf),
    ...places.map(intervalOf),
  ]);
  const blocks = await roundBlocks(
    client,
    id,
    candidates.filter((head) => isAside(stepsOf(head))),
  );
  const rollups = await roundRollups(
    client,
    id,
    facts,
    places.filter((place) => isAside(intervalOf(place))),
  );
  await saveState(client, id, { ...facts, roundedTo: end });
  return { hasMore: end < blocksTo && (!isAll || stretch.isOpen), blocks, rollups };
}

interface OldStretch {
  /** Every step from `roundedTo` to here is old. */
  readonly to: number;
  /** Whether what lies behind may be old as well. */
  readonly isOpen: boolean;
}

/** Looks at the steps of one largest block at most, empty stretches apart. */
async function findOldStretch(
  client: ClientBase,
  id: AttemptId,
  { roundedTo, blocksTo }: AttemptFacts,
  receivedBefore: Date,
): Promise<OldStretch> {
  const first = await findReportedStep(client, id, roundedTo, blocksTo);
  if (first === null) return { to: blocksTo, isOpen: true };
  const to = Math.min(blocksTo, alignUp(first + 1, MAX_SPAN));
  const { rows } = await client.query<{ step: string }>({
    name: 'compaction_recent_step',
    text: `SELECT step FROM step WHERE run = $1 AND attempt = $2 AND step >= $3 AND step < $4
        AND received_at >= $5 ORDER BY step LIMIT 1`,
    values: [id.runKey, id.attempt, first, to, receivedBefore],
  });
  return rows[0] === undefined ? { to, isOpen: true } : { to: Number(rows[0].step), isOpen: false };
}

interface BlockHead {
  readonly metricId: number;
  readonly firstStep: number;
  readonly span: number;
  readonly codec: number;
  readonly stepCount: number;
  readonly sizeBytes: number;
}

/** The blocks that end in the stretch, by their ends. Reads no values. */
async function findBlockHeads(
  client: ClientBase,
  id: AttemptId,
  { metricIds, roundedTo }: AttemptFacts,
  { to }: OldStretch,
): Promise<BlockHead[]> {
  const heads: BlockHead[] = [];
  if (metricIds.length === 0 || to <= roundedTo) return heads;
  const sql = `SELECT metric, first_step, span, codec, step_count, octet_length("values") FROM metric_block
    WHERE ${ownedBy(id, metricIds)} AND first_step > ${roundedTo - MAX_SPAN} AND first_step < ${to}
      AND first_step + span > ${roundedTo} AND first_step + span <= ${to}`;
  const onRow: RowQuery['onRow'] = (row) =>
    heads.push({
      metricId: row.int2(0),
      firstStep: row.int8(1),
      span: row.int4(2),
      codec: row.int2(3),
      stepCount: row.int4(4),
      sizeBytes: row.int4(5),
    });
  await client.query(new CopyOut([{ sql, onRow }])).done;
  return heads.sort((a, b) => a.firstStep + a.span - (b.firstStep + b.span));
}

/** As many as one unit should write, and all that end where the last of them does. */
function takeSome(heads: readonly BlockHead[]): {
  readonly taken: readonly BlockHead[];
  readonly isAll: boolean;
} {
  let sizeBytes = 0;
  let end = -Infinity;
  for (const [index, head] of heads.entries()) {
    const endOfHead = head.firstStep + head.span;
    if (sizeBytes > MAX_UNIT_BYTES && endOfHead > end) {
      return { taken: heads.slice(0, index), isAll: false };
    }
    end = endOfHead;
    if (head.codec !== ROUNDED_CODEC) sizeBytes += head.sizeBytes;
  }
  return { taken: heads, isAll: true };
}

/** The places of rollup rows that end between `roundedTo` and `end`. Reads no planes. */
async function findRollupPlaces(
  client: ClientBase,
  id: AttemptId,
  { metricIds, rolledTo, roundedTo }: AttemptFacts,
  end: number,
): Promise<RollupPlace[]> {
  const places: RollupPlace[] = [];
  if (metricIds.length === 0) return places;
  const queries = rolledTo.flatMap((_, level): RowQuery[] => {
    const steps = rowSteps(level);
    const [first, after] = [Math.floor(roundedTo / steps), Math.floor(end / steps)];
    if (first >= after) return [];
    const sql = `SELECT DISTINCT block FROM metric_rollup WHERE ${ownedBy(id, metricIds)} AND level = ${level}
      AND block >= ${first} AND block < ${after} AND ${IS_ROUNDABLE}`;
    const onRow: RowQuery['onRow'] = (row) => {
      places.push({ level, block: row.int8(0) });
    };
    return [{ sql, onRow }];
  });
  if (queries.length > 0) await client.query(new CopyOut(queries)).done;
  return places;
}

function stepsOf({ firstStep, span }: BlockHead): Interval {
  return { from: firstStep, to: firstStep + span };
}

/** Tells which of the ranges lie aside from every anomaly. */
async function findWhatIsAside(
  client: ClientBase,
  { runKey }: AttemptId,
  ranges: readonly Interval[],
): Promise<(range: Interval) => boolean> {
  if (ranges.length === 0) return () => true;
  const from = ranges.reduce((least, range) => Math.min(least, range.from), Infinity);
  const to = ranges.reduce((greatest, range) => Math.max(greatest, range.to), 0);
  const exact = await findAnomalySurroundings(client, runKey, { from, to });
  return (range) => !exact.some((part) => overlaps(part, range));
}

async function roundBlocks(
  client: ClientBase,
  id: AttemptId,
  heads: readonly BlockHead[],
): Promise<number> {
  if (heads.length === 0) return 0;
  const key = { runBytes: uuidBytes(id.runKey), attempt: id.attempt };
  const copy = new CopyRows();
  const sql = `DELETE FROM metric_block USING (VALUES ${heads
    .map(({ metricId, firstStep }) => `(${metricId}::smallint, ${firstStep}::bigint)`)
    .join(', ')}) AS asked (metric_id, block_step)
    WHERE run = '${id.runKey}' AND attempt = ${id.attempt} AND metric = metric_id AND first_step = block_step
    RETURNING ${METRIC_BLOCK_COLUMNS}`;
  const onRow: RowQuery['onRow'] = (row) =>
    copy.addBlock(key, decodeMetricBlock(row), ROUNDED_CODEC);
  await client.query(new CopyOut([{ sql, onRow }])).done;
  await client.query(new CopyIn(METRIC_BLOCK_TARGET, copy.finish())).done;
  return heads.length;
}

/** The rows of one place after the other, all metrics together, as they were written. */
async function roundRollups(
  client: ClientBase,
  id: AttemptId,
  { metricIds }: AttemptFacts,
  places: readonly RollupPlace[],
): Promise<number> {
  if (metricIds.length === 0) return 0;
  const key = { runBytes: uuidBytes(id.runKey), attempt: id.attempt };
  let count = 0;
  for (const { level, block } of places) {
    const copy = new CopyRows();
    const sql = `DELETE FROM metric_rollup WHERE ${ownedBy(id, metricIds)} AND level = ${level} AND block = ${block}
        AND ${IS_ROUNDABLE}
      RETURNING ${METRIC_ROLLUP_COLUMNS}`;
    const onRow: RowQuery['onRow'] = (row) => {
      const placed = decodeMetricRollup(row);
      copy.addMetricRollup(
        key,
        placed,
        roundRollup(placed.rollup, placed.isOfRounded) ?? undefined,
      );
      count++;
    };
    await client.query(new CopyOut([{ sql, onRow }])).done;
    if (!copy.isEmpty) await client.query(new CopyIn(METRIC_ROLLUP_TARGET, copy.finish())).done;
  }
  return count;
}
