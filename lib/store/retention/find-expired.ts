/** What of an attempt may go: asked by dry runs, and again under the lock before anything is removed. */
import type { ClientBase } from 'pg';
import { findAnomalySurroundings } from '../findings/anomaly-surroundings';
import { MAX_SPAN, rowSteps } from '../compaction/block-layout';
import type { AttemptId } from '../compaction/compaction-state';
import type { Interval } from '../compaction/intervals';
import { PAYLOADS, ROW_BYTES } from '../runs/run-size';

export interface ExpiredBlock {
  readonly metricId: number;
  readonly firstStep: number;
  readonly span: number;
  readonly stepCount: number;
  readonly sizeBytes: number;
}

/** The rows of one step. */
export interface ExpiredFrames {
  readonly step: number;
  readonly rows: number;
  readonly sizeBytes: number;
}

export interface ExpiryQuery {
  /** Blocks and frames that begin in it. */
  readonly range: Interval;
  readonly before: Date;
}

/** Beside their steps' age nothing is asked of samples: there are none away from spikes. */
export type FrameTable = 'histogram_frame' | 'sample_frame';

/** Steps that stay as they are: around anomalies, and where a newer attempt takes over. */
async function findKeptSteps(
  client: ClientBase,
  runKey: string,
  range: Interval,
): Promise<Interval[]> {
  const surroundings = await findAnomalySurroundings(client, runKey, range);
  const { rows } = await client.query<{ step: string }>({
    name: 'retention_resumed_steps',
    text: `SELECT resume_from_step AS step FROM attempt WHERE run = $1 AND resume_from_step > 0`,
    values: [runKey],
  });
  // A bucket that is cut there would hold steps that no longer count.
  const resumed = rows.map(({ step }) => ({ from: Number(step) - 1, to: Number(step) + 1 }));
  return [...surroundings, ...resumed];
}

const KEPT = (from: string, end: string): string =>
  `EXISTS (SELECT 1 FROM unnest($6::bigint[], $7::bigint[]) AS kept (from_step, end_step)
    WHERE kept.from_step < ${end} AND kept.end_step > ${from})`;

/**
 * Blocks of which every step is old, none is kept or hot, and all are in rollup rows of the
 * lowest level; by their first steps. Reads no values.
 */
export async function findExpiredBlocks(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
  { range, before }: ExpiryQuery,
): Promise<ExpiredBlock[]> {
  // Blocks that begin below the end may reach beyond it.
  const kept = await findKeptSteps(client, runKey, { from: range.from, to: range.to + MAX_SPAN });
  const row = rowSteps(0);
  const { rows } = await client.query<{
    metric: number;
    first_step: string;
    span: number;
    step_count: number;
    bytes: string;
  }>({
    name: 'retention_expired_blocks',
    text: `WITH block AS MATERIALIZED (
        SELECT stored.metric, stored.first_step, stored.span, stored.step_count,
          ${PAYLOADS.metric_block} + ${ROW_BYTES} AS bytes
        FROM metric CROSS JOIN LATERAL (
          SELECT * FROM metric_block WHERE run = $1 AND attempt = $2 AND metric_block.metric = metric.metric
            AND first_step >= $3 AND first_step < $4 OFFSET 0) AS stored
        WHERE metric.run = $1 AND metric.kind = 'layer'
      ), old AS MATERIALIZED (
        SELECT first_step, span FROM (SELECT DISTINCT first_step, span FROM block) AS spans
        WHERE NOT EXISTS (SELECT 1 FROM step WHERE run = $1 AND attempt = $2
            AND step >= first_step AND step < first_step + span AND received_at >= $5)
          AND NOT EXISTS (SELECT 1 FROM hot_frame WHERE run = $1 AND attempt = $2
            AND step >= first_step AND step < first_step + span)
          AND NOT ${KEPT('first_step', 'first_step + span')}
      )
      SELECT metric, first_step, span, step_count, bytes FROM block JOIN old USING (first_step, span)
      WHERE (SELECT count(*) FROM metric_rollup AS rolled
          WHERE rolled.run = $1 AND rolled.attempt = $2 AND rolled.metric = block.metric AND rolled.level = 0
            AND rolled.block BETWEEN first_step / ${row} AND (first_step + span - 1) / ${row})
        = (first_step + span - 1) / ${row} - first_step / ${row} + 1
      ORDER BY first_step, metric`,
    values: [runKey, attempt, range.from, range.to, before, ...columnsOf(kept)],
  });
  return rows.map((found) => ({
    metricId: found.metric,
    firstStep: Number(found.first_step),
    span: found.span,
    stepCount: found.step_count,
    sizeBytes: Number(found.bytes),
  }));
}

/** Steps with histograms, or samples, that are old, and not kept where `keepsAnomalies`; ascending. */
export async function findExpiredFrames(
  client: ClientBase,
  table: FrameTable,
  { runKey, attempt }: AttemptId,
  { range, before }: ExpiryQuery,
): Promise<ExpiredFrames[]> {
  const kept = table === 'sample_frame' ? [] : await findKeptSteps(client, runKey, range);
  const { rows } = await client.query<{ step: string; rows: string; bytes: string }>({
    name: `retention_expired_${table}`,
    text: `SELECT stored.step, count(*) AS rows, sum(${PAYLOADS[table]} + ${ROW_BYTES}) AS bytes
      FROM ${table} AS stored JOIN step USING (run, attempt, step)
      WHERE stored.run = $1 AND stored.attempt = $2 AND stored.step >= $3 AND stored.step < $4
        AND received_at < $5 AND NOT ${KEPT('stored.step', 'stored.step + 1')}
      GROUP BY stored.step ORDER BY stored.step`,
    values: [runKey, attempt, range.from, range.to, before, ...columnsOf(kept)],
  });
  return rows.map((found) => ({
    step: Number(found.step),
    rows: Number(found.rows),
    sizeBytes: Number(found.bytes),
  }));
}

function columnsOf(intervals: readonly Interval[]): [number[], number[]] {
  return [intervals.map(({ from }) => from), intervals.map(({ to }) => to)];
}
