/** Which steps retention has let go, and how old the newest of them are. */
import type { GapsReply } from '../../contract/retention';
import type { Database } from '../database';
import type { Segment } from '../runs/trajectory';
import { HISTOGRAMS_GAP, mergeIntervals, SAMPLES_GAP } from './raw-gaps';

type GoneSteps = GapsReply['items'][number];

const KIND_OF_METRIC: ReadonlyMap<number, GoneSteps['kind']> = new Map([
  [HISTOGRAMS_GAP, 'distributions'],
  [SAMPLES_GAP, 'samples'],
]);

/**
 * Cut to the segments, ascending a kind and an attempt, raw values first; a step counts as
 * gone of which a single metric is. Two reads: a range of the table of gaps a segment, and
 * one look-up of a step a gap.
 */
export async function findGoneSteps(
  { pool }: Pick<Database, 'pool'>,
  runKey: string,
  segments: readonly Segment[],
): Promise<GoneSteps[]> {
  const { rows } = await pool.query<{
    attempt: number;
    metric: number;
    from_step: string;
    to_step: string;
  }>({
    name: 'find_gone_steps',
    text: `SELECT attempt, metric, greatest(gap.from_step, segment.from_step) AS from_step,
        least(gap.end_step - 1, segment.to_step) AS to_step
      FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS segment (attempt, from_step, to_step)
      JOIN raw_gap AS gap USING (attempt)
      WHERE gap.run = $1 AND gap.from_step <= segment.to_step AND gap.end_step > segment.from_step`,
    values: [
      runKey,
      segments.map(({ attempt }) => attempt),
      segments.map(({ fromStep }) => fromStep),
      segments.map(({ toStep }) => toStep),
    ],
  });
  const gaps = segments.flatMap(({ attempt }) =>
    (['raw', 'distributions', 'samples'] as const).flatMap((kind) =>
      mergeIntervals(
        rows
          .filter((row) => row.attempt === attempt && kind === kindOf(row.metric))
          .map((row) => ({ from: Number(row.from_step), to: Number(row.to_step) + 1 })),
      ).map(({ from, to }) => ({ attempt, kind, fromStep: from, toStep: to - 1 })),
    ),
  );
  if (gaps.length === 0) return [];
  const { rows: received } = await pool.query<{ received_at: Date | null }>({
    name: 'find_received_to',
    text: `SELECT newest.received_at
      FROM unnest($2::int[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS gap (attempt, from_step, to_step, place)
      LEFT JOIN LATERAL (SELECT received_at FROM step WHERE run = $1 AND step.attempt = gap.attempt
        AND step.step BETWEEN gap.from_step AND gap.to_step ORDER BY step.step DESC LIMIT 1) AS newest ON true
      ORDER BY gap.place`,
    values: [
      runKey,
      gaps.map(({ attempt }) => attempt),
      gaps.map(({ fromStep }) => fromStep),
      gaps.map(({ toStep }) => toStep),
    ],
  });
  return gaps.map((gap, index) => ({
    ...gap,
    receivedTo: received[index]?.received_at?.toISOString() ?? null,
  }));
}

const kindOf = (metricId: number): GoneSteps['kind'] => KIND_OF_METRIC.get(metricId) ?? 'raw';
