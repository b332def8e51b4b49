/**
 * Steps of which retention has left nothing but rollups. A gap lies on the multiples of the
 * smallest buckets, and every bucket in it is in a row of the lowest level.
 */
import type { ClientBase } from 'pg';
import type { Interval } from '../compaction/intervals';
import type { AttemptId } from '../compaction/compaction-state';
import type { StepSpan } from './cover';
import { Parameters } from '../postgres/parameters';
import type { PreparedQuery } from '../postgres/prepared-read';
import type { Segment } from '../runs/trajectory';

/** Under these numbers stand the ranges in which histograms and raw samples went. */
export const HISTOGRAMS_GAP = -1;
export const SAMPLES_GAP = -2;

/** The gaps of a metric that meet the segments, ascending an attempt. */
export function gapsQuery(
  runKey: string,
  segments: readonly Segment[],
  metricId: number,
  onGap: (attempt: number, gap: StepSpan) => void,
): PreparedQuery {
  const p = new Parameters();
  const run = p.uuid(runKey);
  return {
    sql: gapsOfSegments(run, p.integer('smallint', metricId), p.segments(segments)),
    values: p.values,
    onRow: (row) => {
      onGap(row.int4(0), { fromStep: row.int8(1), endStep: row.int8(2) });
    },
  };
}

/** Attempt, first step and end of each; `run`, `metric` and `relation` as `Parameters` gave them. */
export function gapsOfSegments(run: string, metric: string, relation: string): string {
  return `SELECT segment.attempt, gap.from_step, gap.end_step FROM ${relation} CROSS JOIN LATERAL (
      SELECT from_step, end_step FROM raw_gap WHERE run = ${run} AND attempt = segment.attempt
        AND metric = ${metric} AND raw_gap.from_step <= segment.to_step
        AND raw_gap.end_step > segment.from_step ORDER BY raw_gap.from_step) AS gap`;
}

/** Of each metric its gaps that meet `range`, ascending. One range of the primary key. */
export async function findGaps(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
  metricIds: readonly number[],
  range: Interval,
): Promise<ReadonlyMap<number, readonly Interval[]>> {
  const { rows } = await client.query<{ metric: number; from_step: string; end_step: string }>({
    name: 'find_raw_gaps',
    text: `SELECT metric, from_step, end_step FROM raw_gap
      WHERE run = $1 AND attempt = $2 AND metric = ANY($3::smallint[]) AND from_step < $5 AND end_step > $4
      ORDER BY metric, from_step`,
    values: [runKey, attempt, metricIds, range.from, range.to],
  });
  const gaps = new Map<number, Interval[]>();
  for (const { metric, from_step, end_step } of rows) {
    const ofMetric = gaps.get(metric) ?? [];
    gaps.set(metric, ofMetric);
    ofMetric.push({ from: Number(from_step), to: Number(end_step) });
  }
  return gaps;
}

/** Adds ranges to the gaps of an attempt, those that meet made one. */
export async function addGaps(
  client: ClientBase,
  id: AttemptId,
  added: ReadonlyMap<number, readonly Interval[]>,
): Promise<void> {
  const metricIds = [...added.keys()];
  if (metricIds.length === 0) return;
  const all = [...added.values()].flat();
  // Those that touch are found too.
  const known = await findGaps(client, id, metricIds, {
    from: Math.min(...all.map(({ from }) => from)) - 1,
    to: Math.max(...all.map(({ to }) => to)) + 1,
  });
  const merged = metricIds.flatMap((metricId) =>
    mergeIntervals([...(known.get(metricId) ?? []), ...(added.get(metricId) ?? [])]).map((gap) => ({
      metricId,
      ...gap,
    })),
  );
  const replaced = Array.from(known, ([metricId, gaps]) =>
    gaps.map(({ from }) => ({ metricId, from })),
  ).flat();
  await client.query(
    `DELETE FROM raw_gap USING unnest($3::smallint[], $4::bigint[]) AS known (metric_id, first)
     WHERE run = $1 AND attempt = $2 AND metric = metric_id AND from_step = first`,
    [
      id.runKey,
      id.attempt,
      replaced.map(({ metricId }) => metricId),
      replaced.map(({ from }) => from),
    ],
  );
  await client.query(
    `INSERT INTO raw_gap (run, attempt, metric, from_step, end_step)
     SELECT $1, $2, * FROM unnest($3::smallint[], $4::bigint[], $5::bigint[])`,
    [
      id.runKey,
      id.attempt,
      merged.map(({ metricId }) => metricId),
      merged.map(({ from }) => from),
      merged.map(({ to }) => to),
    ],
  );
}

/** The same steps in as few intervals as hold them, ascending. */
export function mergeIntervals(intervals: readonly Interval[]): Interval[] {
  const merged: Interval[] = [];
  for (const { from, to } of intervals.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) {
      merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, to) };
    } else merged.push({ from, to });
  }
  return merged;
}
