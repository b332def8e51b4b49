/** Reported steps counted, for reads that go through a run piece by piece. */
import { integerText } from '../postgres/integer-text';
import { segmentFilter } from './segment-filter';
import type { RowReader } from '../postgres/snapshot';
import type { Segment } from '../runs/trajectory';

export interface StepPage {
  readonly lastStep: number;
  readonly stepCount: number;
}

/** The segment's first `limit` reported steps; null where it has none. One range of the primary key. */
export async function findStepPage(
  reader: RowReader,
  runKey: string,
  segment: Segment,
  limit: number,
): Promise<StepPage | null> {
  let page: StepPage | null = null;
  await reader.copyRows(
    `SELECT max(step), count(*) FROM (
       SELECT step FROM step WHERE ${segmentFilter(runKey, segment)}
       ORDER BY step LIMIT ${integerText(limit)}) AS page HAVING count(*) > 0`,
    (row) => {
      page = { lastStep: row.int8(0), stepCount: row.int8(1) };
    },
  );
  return page;
}

/** How many steps of the segments are reported, and the first and last of them. Index entries, no rows. */
export async function countReportedSteps(
  reader: RowReader,
  runKey: string,
  segments: readonly Segment[],
): Promise<{ readonly count: number; readonly firstStep: number; readonly lastStep: number }> {
  let count = 0;
  let firstStep = Infinity;
  let lastStep = -Infinity;
  if (segments.length > 0) {
    await reader.copyAll(
      segments.map((segment) => ({
        sql: `SELECT count(*), min(step), max(step) FROM step WHERE ${segmentFilter(runKey, segment)} HAVING count(*) > 0`,
        onRow: (row) => {
          count += row.int8(0);
          firstStep = Math.min(firstStep, row.int8(1));
          lastStep = Math.max(lastStep, row.int8(2));
        },
      })),
    );
  }
  return { count, firstStep, lastStep };
}
