/**
 * Replacement of metrics in posts that are compacted. The old cells are cleared in their
 * blocks, and the new ones become hot again, as late posts are: reads see them at once, and
 * compaction moves them into the blocks and corrects the rollups above, as it does for those.
 */
import type { PoolClient } from 'pg';
import { bitsOf, MISSING_FLOAT32_BITS } from '../../contract/missing-value';
import { MAX_SPAN } from '../compaction/block-layout';
import {
  CopyRows,
  decodeMetricBlock,
  METRIC_BLOCK_COLUMNS,
  METRIC_BLOCK_TARGET,
  type MetricBlock,
} from '../compaction/block-rows';
import { CopyIn, CopyOut } from '../postgres/copy-binary';
import { findGaps } from '../reading/raw-gaps';
import type { Replacement } from './replace-metrics';
import { uuidBytes } from '../runs/run-key';
import { runLiteral } from '../reading/segment-filter';

/**
 * The caller holds the lock of the attempt's compaction state.
 *
 * Returns  how many of the replacements were left out: of steps whose blocks are no more
 *          (retention), of which nothing but rollups is kept
 */
export async function replaceInBlocks(
  client: PoolClient,
  runKey: string,
  attempt: number,
  replacements: readonly Replacement[],
  ids: ReadonlyMap<string, number>,
): Promise<number> {
  if (replacements.length === 0) return 0;
  const { first, last } = stepsOf(replacements);
  const isKept = await findKeptSteps(client, runKey, attempt, { first, last });
  const range = { from: first, to: last + 1 };
  const gaps = await findGaps(client, { runKey, attempt }, [...ids.values()], range);
  const isInGap = ({ step, layerMetrics }: Replacement): boolean =>
    [...layerMetrics.keys()].some((name) =>
      gaps.get(ids.get(name) ?? -1)?.some(({ from, to }) => step >= from && step < to),
    );
  const kept = replacements.filter((post) => isKept(post.step) && !isInGap(post));
  if (kept.length > 0) {
    await clearCells(client, runKey, attempt, kept, ids);
    await addHotFrames(client, runKey, attempt, kept, ids);
  }
  return replacements.length - kept.length;
}

function stepsOf(replacements: readonly Replacement[]): { first: number; last: number } {
  const steps = replacements.map(({ step }) => step);
  return { first: Math.min(...steps), last: Math.max(...steps) };
}

/** Tells whether a step lies in a block of any metric. */
async function findKeptSteps(
  client: PoolClient,
  runKey: string,
  attempt: number,
  { first, last }: { readonly first: number; readonly last: number },
): Promise<(step: number) => boolean> {
  const { rows } = await client.query<{ first_step: string; span: number }>(
    `SELECT DISTINCT block.first_step, block.span FROM metric
     JOIN metric_block AS block ON block.run = metric.run AND block.attempt = $2 AND block.metric = metric.metric
       AND block.first_step > $3 AND block.first_step <= $4
     WHERE metric.run = $1 AND metric.kind = 'layer'`,
    [runKey, attempt, first - MAX_SPAN, last],
  );
  const spans = rows.map((row) => ({ from: Number(row.first_step), steps: row.span }));
  return (step) => spans.some(({ from, steps }) => step >= from && step < from + steps);
}

async function clearCells(
  client: PoolClient,
  runKey: string,
  attempt: number,
  replacements: readonly Replacement[],
  ids: ReadonlyMap<string, number>,
): Promise<void> {
  const blocks = await takeBlocks(client, runKey, attempt, replacements, ids);
  if (blocks.length === 0) return;
  const nameOf = new Map(Array.from(ids, ([name, id]) => [id, name]));
  const copy = new CopyRows();
  for (const block of blocks) {
    const name = nameOf.get(block.metricId) ?? '';
    for (const replacement of replacements) {
      if (replacement.layerMetrics.has(name)) clearPost(block, replacement);
    }
    copy.addBlock({ runBytes: uuidBytes(runKey), attempt }, block);
  }
  await client.query(new CopyIn(METRIC_BLOCK_TARGET, copy.finish())).done;
}

/** Reads and removes the blocks that hold any of the cells, in one statement. */
async function takeBlocks(
  client: PoolClient,
  runKey: string,
  attempt: number,
  replacements: readonly Replacement[],
  ids: ReadonlyMap<string, number>,
): Promise<MetricBlock[]> {
  const { first, last } = stepsOf(replacements);
  const names = new Set(replacements.flatMap(({ layerMetrics }) => [...layerMetrics.keys()]));
  const metricIds = [...names].flatMap((name) => ids.get(name) ?? []);
  const blocks: MetricBlock[] = [];
  const sql = `DELETE FROM metric_block WHERE run = ${runLiteral(runKey)} AND attempt = ${Math.trunc(attempt)}
      AND metric = ANY(ARRAY[${metricIds.join(',')}]::smallint[])
      AND first_step > ${first - MAX_SPAN} AND first_step <= ${last} AND first_step + span > ${first}
    RETURNING ${METRIC_BLOCK_COLUMNS}`;
  const copy = new CopyOut([{ sql, onRow: (row) => blocks.push(decodeMetricBlock(row)) }]);
  await client.query(copy).done;
  return blocks;
}

function clearPost(
  { firstStep, offsets, values }: MetricBlock,
  { step, layerOffset, layerCount }: Replacement,
): void {
  const column = offsets.indexOf(step - firstStep);
  if (column < 0) return;
  const bits = bitsOf(values);
  const stepCount = offsets.length;
  for (let layer = layerOffset; layer < layerOffset + layerCount; layer++) {
    bits[layer * stepCount + column] = MISSING_FLOAT32_BITS;
  }
}

async function addHotFrames(
  client: PoolClient,
  runKey: string,
  attempt: number,
  replacements: readonly Replacement[],
  ids: ReadonlyMap<string, number>,
): Promise<void> {
  for (const { step, layerOffset, layerCount, layerMetrics } of replacements) {
    const columns = [...layerMetrics.values()].map(({ buffer, byteOffset, byteLength }) =>
      Buffer.from(buffer, byteOffset, byteLength),
    );
    await client.query({
      name: 'add_replaced_frame',
      text: `INSERT INTO hot_frame (run, attempt, step, layer_offset, layer_count, metric_ids, "values")
        VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      values: [
        runKey,
        attempt,
        step,
        layerOffset,
        layerCount,
        [...layerMetrics.keys()].flatMap((name) => ids.get(name) ?? []),
        Buffer.concat(columns),
      ],
    });
  }
}
