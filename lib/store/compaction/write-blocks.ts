/** Moves the hot rows of spans into blocks: read and removed in one statement, so none is lost between. */
import type { ClientBase } from 'pg';
import { CopyIn, CopyOut } from '../postgres/copy-binary';
import { uuidBytes } from '../runs/run-key';
import { findGaps } from '../reading/raw-gaps';
import { assembleBlock, groupParts, type HotRow, partsWhere } from './assemble-blocks';
import {
  CopyRows,
  decodeMetricBlock,
  METRIC_BLOCK_COLUMNS,
  METRIC_BLOCK_TARGET,
  type MetricBlock,
} from './block-rows';
import type { BlockSpan } from './choose-spans';
import type { AttemptId } from './compaction-state';
import { FloatSlab } from './float-slab';
import type { Interval } from './intervals';
import { RowCache } from './row-cache';

export interface MovedSpan extends BlockSpan {
  readonly rows: number;
  readonly sizeBytes: number;
  /** Metrics of which anything moved. */
  readonly metricIds: readonly number[];
  /** What came of steps that are kept as rollups alone: in no block, to be added to those. */
  readonly late: readonly MetricBlock[];
  readonly posts: readonly MovedPost[];
}

/** One shard of one step. */
export interface MovedPost {
  readonly step: number;
  readonly layerOffset: number;
}

/** What is used again from one unit to the next. */
export interface CompactionBuffers {
  readonly hot: FloatSlab;
  readonly blocks: FloatSlab;
  readonly rows: RowCache;
}

export function createBuffers(): CompactionBuffers {
  return { hot: new FloatSlab(), blocks: new FloatSlab(), rows: new RowCache() };
}

export interface WriteOptions {
  readonly layerCount: number;
  /** Blocks of the span may be there. */
  readonly isRewrite: boolean;
  /** Of the values that the span's hot rows have, as far as is known. */
  readonly expectedBytes: number;
}

/** Blocks of one COPY: what is laid out and not yet sent stays below this. */
const MAX_COPY_BYTES = 32 * 1024 * 1024;

/**
 * Writes the blocks of a span from its hot rows. What blocks that are there hold stands,
 * and what came late is added.
 */
export async function writeBlocks(
  client: ClientBase,
  id: AttemptId,
  span: BlockSpan,
  { layerCount, isRewrite, expectedBytes }: WriteOptions,
  { hot, blocks, rows: rowCache }: CompactionBuffers,
): Promise<MovedSpan> {
  hot.clear(expectedBytes);
  blocks.clear(expectedBytes);
  const { rows, sizeBytes } = await takeHotRows(client, id, span, hot);
  const parts = groupParts(rows);
  const metricIds = [...parts.keys()].sort((a, b) => a - b);
  const gaps = isRewrite
    ? await findGaps(client, id, metricIds, stepsOf(span))
    : new Map<number, Interval[]>();
  const isInGap = (metricId: number, step: number): boolean =>
    gaps.get(metricId)?.some(({ from, to }) => step >= from && step < to) ?? false;
  const late = [...gaps.keys()].flatMap((metricId) => {
    const ofGaps = partsWhere(parts, metricId, (step) => isInGap(metricId, step));
    if (ofGaps.size === 0) return [];
    const block = assembleBlock(metricId, span, ofGaps, hot, layerCount, null, blocks);
    // The slab is used again for what is written.
    return [{ ...block, values: block.values.slice() }];
  });
  const written = metricIds.filter(
    (metricId) => partsWhere(parts, metricId, (step) => !isInGap(metricId, step)).size > 0,
  );
  const existing = isRewrite
    ? await takeBlocks(client, id, span, written)
    : new Map<number, MetricBlock>();
  const key = { runBytes: uuidBytes(id.runKey), attempt: id.attempt };
  let copy = new CopyRows();
  for (const metricId of written) {
    const ofMetric = gaps.has(metricId)
      ? partsWhere(parts, metricId, (step) => !isInGap(metricId, step))
      : parts.get(metricId);
    if (ofMetric === undefined) continue;
    const old = existing.get(metricId) ?? null;
    const block = assembleBlock(metricId, span, ofMetric, hot, layerCount, old, blocks);
    copy.addBlock(key, block);
    if (!isRewrite) rowCache.add(id, layerCount, span, block);
    if (copy.byteLength < MAX_COPY_BYTES) continue;
    await client.query(new CopyIn(METRIC_BLOCK_TARGET, copy.finish())).done;
    copy = new CopyRows();
    blocks.clear(0);
  }
  if (!copy.isEmpty) await client.query(new CopyIn(METRIC_BLOCK_TARGET, copy.finish())).done;
  const posts = rows.map(({ step, layerOffset }) => ({ step, layerOffset }));
  return { ...span, rows: rows.length, sizeBytes, metricIds, late, posts };
}

function stepsOf({ firstStep, span }: BlockSpan): Interval {
  return { from: firstStep, to: firstStep + span };
}

async function takeHotRows(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
  { firstStep, span }: BlockSpan,
  slab: FloatSlab,
): Promise<{ rows: HotRow[]; sizeBytes: number }> {
  const rows: HotRow[] = [];
  let sizeBytes = 0;
  const sql = `DELETE FROM hot_frame
    WHERE run = '${runKey}' AND attempt = ${attempt} AND step >= ${firstStep} AND step < ${firstStep + span}
    RETURNING step, layer_offset, layer_count, metric_ids, "values"`;
  const copy = new CopyOut([
    {
      sql,
      onRow: (row) => {
        const values = row.bytes(4);
        sizeBytes += values.length;
        rows.push({
          step: row.int8(0),
          layerOffset: row.int4(1),
          layerCount: row.int4(2),
          metricIds: row.int2Array(3),
          start: slab.add(values),
        });
      },
    },
  ]);
  await client.query(copy).done;
  return { rows, sizeBytes };
}

async function takeBlocks(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
  { firstStep }: BlockSpan,
  metricIds: readonly number[],
): Promise<Map<number, MetricBlock>> {
  const blocks = new Map<number, MetricBlock>();
  if (metricIds.length === 0) return blocks;
  const sql = `DELETE FROM metric_block
    WHERE run = '${runKey}' AND attempt = ${attempt} AND metric = ANY(ARRAY[${metricIds.join(',')}]::smallint[]) AND first_step = ${firstStep}
    RETURNING ${METRIC_BLOCK_COLUMNS}`;
  const copy = new CopyOut([
    {
      sql,
      onRow: (row) => {
        const block = decodeMetricBlock(row);
        blocks.set(block.metricId, block);
      },
    },
  ]);
  await client.query(copy).done;
  return blocks;
}

/**
 * The span of the block that holds `step`, of whatever metric; else where the blocks on both
 * sides of it end and begin. One short range of the primary key a metric.
 */
export async function findBlockAround(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
  metricIds: readonly number[],
  step: number,
): Promise<BlockSpan | { readonly floor: number; readonly ceiling: number }> {
  const { rows } = await client.query<{
    before: string | null;
    before_span: number | null;
    after: string | null;
  }>({
    name: 'compaction_block_around',
    text: `SELECT max(before.first_step) AS before, max(before.span) AS before_span, min(after.first_step) AS after
      FROM unnest($3::smallint[]) AS asked (metric)
      LEFT JOIN LATERAL (
        SELECT first_step, span FROM metric_block
        WHERE run = $1 AND attempt = $2 AND metric_block.metric = asked.metric AND first_step <= $4
        ORDER BY first_step DESC LIMIT 1
      ) AS before ON true
      LEFT JOIN LATERAL (
        SELECT first_step FROM metric_block
        WHERE run = $1 AND attempt = $2 AND metric_block.metric = asked.metric AND first_step > $4
        ORDER BY first_step LIMIT 1
      ) AS after ON true
      WHERE before.first_step IS NOT NULL OR after.first_step IS NOT NULL
      GROUP BY before.first_step ORDER BY before.first_step DESC NULLS LAST`,
    values: [runKey, attempt, metricIds, step],
  });
  const ceiling = Math.min(...rows.map(({ after }) => Number(after ?? Infinity)));
  const [nearest] = rows;
  if (nearest?.before === undefined || nearest.before === null) return { floor: 0, ceiling };
  const firstStep = Number(nearest.before);
  const span = nearest.before_span ?? 0;
  return step < firstStep + span ? { firstStep, span } : { floor: firstStep + span, ceiling };
}
