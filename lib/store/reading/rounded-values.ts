/** How much of a run is kept at three digits (docs/decisions/023), and up to which step. */
import { BLOCK_STEPS } from '../compaction/block-layout';
import { ROUNDED_CODEC } from '../compaction/value-codec';
import { IS_ROUNDED } from '../compaction/rollup-codec';
import type { RowReader } from '../postgres/snapshot';
import { integerText } from '../postgres/integer-text';
import { runLiteral, segmentRelation } from './segment-filter';
import type { Segment } from '../runs/trajectory';

export interface RunPrecision {
  /** Of values and of what rollups say of them. */
  readonly exactBytes: number;
  readonly roundedBytes: number;
  /** From this step on, of whatever attempt, no value was ever rounded; null where none was. */
  readonly roundedBefore: number | null;
}

/** One range of a primary key a table; large columns are not fetched. */
export async function measurePrecision(reader: RowReader, runKey: string): Promise<RunPrecision> {
  let [exactBytes, roundedBytes, roundedBefore] = [0, 0, 0];
  const ofRun = `WHERE run = ${runLiteral(runKey)}`;
  const planes = ['minimum', 'maximum', 'mean']
    .map((plane) => `octet_length(${plane})`)
    .join(' + ');
  const sumOf = (bytes: string, isRounded: string, table: string) => ({
    sql: `SELECT coalesce(sum(${bytes}) FILTER (WHERE NOT (${isRounded})), 0)::bigint,
        coalesce(sum(${bytes}) FILTER (WHERE ${isRounded}), 0)::bigint FROM ${table} ${ofRun}`,
    onRow: (row: { int8(field: number): number }) => {
      exactBytes += row.int8(0);
      roundedBytes += row.int8(1);
    },
  });
  await reader.copyAll([
    sumOf('octet_length("values")', `codec = ${ROUNDED_CODEC}`, 'metric_block'),
    sumOf(planes, IS_ROUNDED, 'metric_rollup'),
    sumOf('octet_length("values")', 'false', 'hot_frame'),
    {
      sql: `SELECT coalesce(max(rounded_end), 0) FROM compaction_state ${ofRun}`,
      onRow: (row) => {
        roundedBefore = row.int8(0);
      },
    },
  ]);
  const isRounded = roundedBytes > 0;
  return { exactBytes, roundedBytes, roundedBefore: isRounded ? roundedBefore : null };
}

/**
 * The step behind the last rounded block that meets a segment, of the metrics asked for; null
 * for none. Backwards along the primary key from where rounding has come to.
 */
export async function findRoundedBefore(
  reader: RowReader,
  runKey: string,
  segments: readonly Segment[],
  metricIds: readonly number[],
): Promise<number | null> {
  if (segments.length === 0 || metricIds.length === 0) return null;
  let end: number | null = null;
  const run = runLiteral(runKey);
  await reader.copyRows(
    `SELECT max(least(found.first_step + found.span, segment.to_step + 1))
     FROM ${segmentRelation(segments)}
     JOIN compaction_state AS state ON state.run = ${run} AND state.attempt = segment.attempt
       AND state.rounded_end > segment.from_step
     CROSS JOIN unnest(ARRAY[${metricIds.map(integerText).join(',')}]::smallint[]) AS asked (metric)
     CROSS JOIN LATERAL (
       SELECT first_step, span FROM metric_block AS block
       WHERE block.run = ${run} AND block.attempt = segment.attempt AND block.metric = asked.metric
         AND block.first_step <= least(segment.to_step, state.rounded_end - ${BLOCK_STEPS})
         AND block.first_step + block.span > segment.from_step AND block.codec = ${ROUNDED_CODEC}
       ORDER BY block.first_step DESC LIMIT 1) AS found
     HAVING count(*) > 0`,
    (row) => {
      end = row.int8(0);
    },
  );
  return end;
}
