import type { Database } from '../../store/database';
import { gapsQuery, mergeIntervals } from '../../store/reading/raw-gaps';
import type { Segment } from '../../store/runs/trajectory';

/** Ranges that fit into a header; more are told as the one that holds them. */
const MOST_RANGES = 50;

/**
 * Where retention has left rollups alone of any of the metrics, as `0-4095,8192-9215`, cut to
 * the segments; null for nowhere. Of such steps an export has no values.
 */
export async function findExportGaps(
  db: Database,
  runKey: string,
  segments: readonly Segment[],
  metricIds: readonly number[],
): Promise<string | null> {
  const found: { from: number; to: number }[] = [];
  if (segments.length > 0) {
    await db.readAll(
      metricIds.map((metricId) =>
        gapsQuery(runKey, segments, metricId, (attempt, { fromStep, endStep }) => {
          const segment = segments.find((one) => one.attempt === attempt);
          if (segment === undefined) return;
          const from = Math.max(fromStep, segment.fromStep);
          found.push({ from, to: Math.min(endStep, segment.toStep + 1) });
        }),
      ),
    );
  }
  const gaps = mergeIntervals(found);
  const [first] = gaps;
  const last = gaps.at(-1);
  if (first === undefined || last === undefined) return null;
  const told = gaps.length > MOST_RANGES ? [{ from: first.from, to: last.to }] : gaps;
  return told.map(({ from, to }) => `${from}-${to - 1}`).join(',');
}
