/**
 * Builds the row of one rollup level for the metrics of an attempt, from the highest rows
 * below that are kept and from blocks where there are none. First the heads of what lies
 * below, which say whether the row pays; then the values of those that do.
 */
import type { ClientBase } from 'pg';
import { CopyIn, CopyOut, type RowQuery } from '../postgres/copy-binary';
import { uuidBytes } from '../runs/run-key';
import { bucketSteps, BUCKETS_PER_ROW, isWorthKeeping, MAX_SPAN, rowSteps } from './block-layout';
import {
  CopyRows,
  decodeMetricBlock,
  decodeMetricRollup,
  METRIC_BLOCK_COLUMNS,
  METRIC_ROLLUP_COLUMNS,
  METRIC_ROLLUP_TARGET,
  type MetricBlock,
} from './block-rows';
import { findGaps } from '../reading/raw-gaps';
import { bucketsInGaps } from './gap-buckets';
import type { AttemptId } from './compaction-state';
import type { FloatSlab } from './float-slab';
import { overlaps, uncoveredOf, type Interval } from './intervals';
import { MetricRollupAccumulator, type MetricRollup } from './metric-rollup';
import { toUint16, toUint8 } from './packed-arrays';
import type { CachedRow } from './row-cache';
import type { CompactionBuffers } from './write-blocks';

export interface RollupPlace {
  readonly level: number;
  /** Which row of the level. */
  readonly block: number;
}

/** The steps that a row covers. */
export function intervalOf({ level, block }: RollupPlace): Interval {
  return { from: block * rowSteps(level), to: (block + 1) * rowSteps(level) };
}

interface RollupHead extends RollupPlace {
  readonly slots: Uint8Array;
}

interface BlockHead {
  readonly firstStep: number;
  readonly span: number;
  readonly offsets: Uint16Array;
}

/** What one metric's row is made of. */
interface Sources {
  /** Of the row that was there, what cannot be summed up again; null where all can. */
  readonly kept: MetricRollup | null;
  readonly rollups: RollupHead[];
  readonly blocks: BlockHead[];
  /** Of `blocks`, the steps that no row in `rollups` has. */
  gaps: readonly Interval[];
}

/** Rows laid out and not yet sent stay below this. */
const MAX_COPY_BYTES = 32 * 1024 * 1024;

export interface RollJob {
  readonly id: AttemptId;
  readonly place: RollupPlace;
  readonly metricIds: readonly number[];
  readonly layerCount: number;
  /** Steps from here on were never rounded. */
  readonly roundedEnd: number;
  /** Rows of the place may be there and are replaced. */
  readonly isRewrite: boolean;
  /** What came of steps that are kept as rollups alone. */
  readonly late: readonly MetricBlock[];
  readonly buffers: CompactionBuffers;
}

/** Writes the rows of a place, one a metric where it pays; returns how many. */
export async function rollMetrics(client: ClientBase, job: RollJob): Promise<number> {
  const { id, place, metricIds, layerCount, isRewrite, buffers } = job;
  if (metricIds.length === 0) return 0;
  const kept = isRewrite && place.level === 0 ? await findKept(client, job) : NOTHING_KEPT;
  if (isRewrite) await deleteRows(client, id, place, metricIds);
  const cached = isRewrite || place.level > 0 ? null : buffers.rows.take(id, place.block);
  if (cached !== null) return writeCachedRows(client, job, cached);
  const sources = await findSources(client, job, kept);
  const paying = metricIds.filter((metricId) => {
    const ofMetric = sources.get(metricId);
    return ofMetric !== undefined && doesPay(place, ofMetric);
  });
  const rowBytes = layerCount * BUCKETS_PER_ROW * 12;
  const perCopy = Math.max(1, Math.floor(MAX_COPY_BYTES / rowBytes));
  for (let first = 0; first < paying.length; first += perCopy) {
    await writeRows(client, job, paying.slice(first, first + perCopy), sources);
  }
  return paying.length;
}

/** The rows that were summed up while their blocks were written. */
async function writeCachedRows(
  client: ClientBase,
  { id, place, roundedEnd }: RollJob,
  cached: ReadonlyMap<number, CachedRow>,
): Promise<number> {
  const key = { runBytes: uuidBytes(id.runKey), attempt: id.attempt };
  const isOfRounded = intervalOf(place).from < roundedEnd;
  let copy = new CopyRows();
  let rowCount = 0;
  for (const [metricId, { accumulator, columns }] of cached) {
    const rollup = accumulator.finish();
    if (rollup === null || !isWorthKeeping(columns, rollup.slots.length)) continue;
    copy.addMetricRollup(key, { metricId, ...place, rollup, isOfRounded });
    rowCount++;
    if (copy.byteLength < MAX_COPY_BYTES) continue;
    await client.query(new CopyIn(METRIC_ROLLUP_TARGET, copy.finish())).done;
    copy = new CopyRows();
  }
  if (!copy.isEmpty) await client.query(new CopyIn(METRIC_ROLLUP_TARGET, copy.finish())).done;
  return rowCount;
}

async function deleteRows(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
  { level, block }: RollupPlace,
  metricIds: readonly number[],
): Promise<void> {
  await client.query({
    name: 'compaction_delete_rollups',
    text: `DELETE FROM metric_rollup WHERE run = $1 AND attempt = $2 AND metric = ANY($3::smallint[])
      AND level = $4 AND block = $5`,
    values: [runKey, attempt, metricIds, level, block],
  });
}

/** SQL of the rows of an attempt's metrics. */
export function ownedBy({ runKey, attempt }: AttemptId, metricIds: readonly number[]): string {
  return `run = '${runKey}' AND attempt = ${attempt} AND metric = ANY(ARRAY[${metricIds.join(',')}]::smallint[])`;
}

/** By metric: of the row that is there the buckets without steps, and which steps those are. */
type Kept = ReadonlyMap<
  number,
  { readonly rollup: MetricRollup; readonly without: readonly Interval[] }
>;
const NOTHING_KEPT: Kept = new Map();

async function findKept(
  client: ClientBase,
  { id, place, metricIds }: Pick<RollJob, 'id' | 'place' | 'metricIds'>,
): Promise<Kept> {
  const gaps = await findGaps(client, id, metricIds, intervalOf(place));
  if (gaps.size === 0) return NOTHING_KEPT;
  const kept = new Map<number, { rollup: MetricRollup; without: readonly Interval[] }>();
  const { level, block } = place;
  const sql = `SELECT ${METRIC_ROLLUP_COLUMNS} FROM metric_rollup
    WHERE ${ownedBy(id, [...gaps.keys()])} AND level = ${level} AND block = ${block}`;
  const onRow: RowQuery['onRow'] = (row) => {
    const { metricId, rollup } = decodeMetricRollup(row);
    const without = gaps.get(metricId) ?? [];
    kept.set(metricId, { rollup: bucketsInGaps(rollup, level, block, without), without });
  };
  await client.query(new CopyOut([{ sql, onRow }])).done;
  return kept;
}

async function findSources(
  client: ClientBase,
  { id, place, metricIds }: RollJob,
  kept: Kept,
): Promise<ReadonlyMap<number, Sources>> {
  const whole = intervalOf(place);
  const found = new Map(
    metricIds.map((metricId): [number, Sources] => {
      const { rollup = null, without = [] } = kept.get(metricId) ?? {};
      const gaps = uncoveredOf(whole, without);
      return [metricId, { kept: rollup, rollups: [], blocks: [], gaps }];
    }),
  );
  let incomplete: readonly number[] = metricIds;
  for (let level = place.level - 1; level >= 0 && incomplete.length > 0; level--) {
    const steps = rowSteps(level);
    const sql = `SELECT metric, block, bucket_slots FROM metric_rollup
      WHERE ${ownedBy(id, incomplete)} AND level = ${level} AND block >= ${whole.from / steps} AND block < ${whole.to / steps}`;
    const onRow: RowQuery['onRow'] = (row) => {
      const sources = found.get(row.int2(0));
      const head = { level, block: row.int8(1), slots: toUint8(row.bytes(2)) };
      // A row whose steps are in a higher one already has been summed up by that.
      if (sources?.gaps.some((gap) => overlaps(gap, intervalOf(head))) === true) {
        sources.rollups.push(head);
      }
    };
    await client.query(new CopyOut([{ sql, onRow }])).done;
    for (const sources of found.values()) {
      sources.gaps = uncoveredOf(whole, sources.rollups.map(intervalOf));
    }
    incomplete = incomplete.filter((metricId) => (found.get(metricId)?.gaps.length ?? 0) > 0);
  }
  if (incomplete.length > 0) await findBlocks(client, id, whole, incomplete, found);
  return found;
}

async function findBlocks(
  client: ClientBase,
  id: AttemptId,
  whole: Interval,
  metricIds: readonly number[],
  found: ReadonlyMap<number, Sources>,
): Promise<void> {
  const sql = `SELECT metric, first_step, span, step_offsets FROM metric_block
    WHERE ${ownedBy(id, metricIds)} AND first_step > ${whole.from - MAX_SPAN} AND first_step < ${whole.to}
      AND first_step + span > ${whole.from}`;
  const onRow: RowQuery['onRow'] = (row) => {
    const sources = found.get(row.int2(0));
    const head = { firstStep: row.int8(1), span: row.int4(2), offsets: toUint16(row.bytes(3)) };
    const steps = { from: head.firstStep, to: head.firstStep + head.span };
    if (sources?.gaps.some((gap) => overlaps(gap, steps)) === true) sources.blocks.push(head);
  };
  await client.query(new CopyOut([{ sql, onRow }])).done;
}

function doesPay(place: RollupPlace, { kept, rollups, blocks, gaps }: Sources): boolean {
  // There is nothing below that a read could go on to.
  if (kept !== null) return true;
  const width = bucketSteps(place.level);
  const buckets = new Set<number>();
  let columns = 0;
  for (const { level, block, slots } of rollups) {
    columns += slots.length;
    const firstStep = block * rowSteps(level);
    for (const slot of slots)
      buckets.add(Math.floor((firstStep + slot * bucketSteps(level)) / width));
  }
  for (const { firstStep, offsets } of blocks) {
    for (const offset of offsets) {
      const step = firstStep + offset;
      if (!gaps.some(({ from, to }) => step >= from && step < to)) continue;
      columns++;
      buckets.add(Math.floor(step / width));
    }
  }
  return isWorthKeeping(columns, buckets.size);
}

async function writeRows(
  client: ClientBase,
  { id, place, layerCount, roundedEnd, late, buffers }: RollJob,
  metricIds: readonly number[],
  found: ReadonlyMap<number, Sources>,
): Promise<void> {
  const accumulator = new MetricRollupAccumulator(layerCount);
  const rows: { metricId: number; rollup: MetricRollup }[] = [];
  let current: number | null = null;
  // The answers come metric by metric: the first of the next one ends the one before.
  const turnTo = (metricId: number | null): void => {
    if (metricId === current) return;
    const rollup = current === null ? null : accumulator.finish();
    if (current !== null && rollup !== null) rows.push({ metricId: current, rollup });
    current = metricId;
    if (metricId === null) return;
    accumulator.begin(place.level, place.block);
    const kept = found.get(metricId)?.kept ?? null;
    if (kept === null) return;
    accumulator.addRollup(place.level, place.block, kept);
    for (const block of late) {
      if (block.metricId !== metricId) continue;
      accumulator.addBlock(block.firstStep, block.offsets, block.values);
    }
  };
  const queries = metricIds.flatMap((metricId) => {
    const sources = found.get(metricId);
    return sources === undefined
      ? []
      : queriesFor(id, metricId, sources, accumulator, buffers.hot, turnTo);
  });
  if (queries.length > 0) await client.query(new CopyOut(queries)).done;
  for (const metricId of metricIds) {
    const { blocks = [], rollups = [] } = found.get(metricId) ?? {};
    // Nothing was asked of these.
    if (blocks.length + rollups.length === 0) turnTo(metricId);
  }
  turnTo(null);
  const copy = new CopyRows();
  const key = { runBytes: uuidBytes(id.runKey), attempt: id.attempt };
  const isOfRounded = intervalOf(place).from < roundedEnd;
  for (const { metricId, rollup } of rows) {
    copy.addMetricRollup(key, { metricId, ...place, rollup, isOfRounded });
  }
  await client.query(new CopyIn(METRIC_ROLLUP_TARGET, copy.finish())).done;
}

function queriesFor(
  id: AttemptId,
  metricId: number,
  { rollups, blocks, gaps }: Sources,
  accumulator: MetricRollupAccumulator,
  scratch: FloatSlab,
  turnTo: (metricId: number) => void,
): RowQuery[] {
  const owned = ownedBy(id, [metricId]);
  const queries: RowQuery[] = [];
  if (rollups.length > 0) {
    const places = rollups.map(({ level, block }) => `(${level},${block})`).join(',');
    queries.push({
      sql: `SELECT ${METRIC_ROLLUP_COLUMNS} FROM metric_rollup
        WHERE ${owned} AND (level, block) IN (${places})`,
      onRow: (row) => {
        turnTo(metricId);
        const { level, block, rollup } = decodeMetricRollup(row);
        accumulator.addRollup(level, block, rollup);
      },
    });
  }
  if (blocks.length > 0) {
    const firstSteps = blocks.map(({ firstStep }) => firstStep);
    queries.push({
      sql: `SELECT ${METRIC_BLOCK_COLUMNS} FROM metric_block
        WHERE ${owned} AND first_step = ANY(ARRAY[${firstSteps.join(',')}]::bigint[])`,
      onRow: (row) => {
        turnTo(metricId);
        const block = decodeMetricBlock(row, (length) => {
          scratch.clear(length * 4);
          return scratch.floats(scratch.reserve(length), length);
        });
        for (const gap of gaps)
          accumulator.addBlock(block.firstStep, block.offsets, block.values, gap);
      },
    });
  }
  return queries;
}
