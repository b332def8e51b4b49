/** Brings the rollups of an attempt up to its blocks, level after level. */
import type { ClientBase } from 'pg';
import { alignDown, alignUp, bucketSteps, MAX_LEVEL, rowSteps } from './block-layout';
import type { MetricBlock } from './block-rows';
import type { AttemptFacts, AttemptId } from './compaction-state';
import { overlaps, type Interval } from './intervals';
import { intervalOf, rollMetrics, type RollupPlace } from './roll-metrics';
import { rollScalars } from './roll-scalars';
import type { CompactionBuffers, MovedPost } from './write-blocks';

export interface ChangedSpan extends Interval {
  /** Metrics of which anything changed. */
  readonly metricIds: readonly number[];
  /** What came of steps that are kept as rollups alone. */
  readonly late: readonly MetricBlock[];
  /** The hot rows that went. */
  readonly posts: readonly MovedPost[];
}

export interface Rolled {
  /** By level: steps below are in rows where these pay. */
  readonly rolledTo: readonly number[];
  readonly rowCount: number;
}

/** Rewrites the rows that cover changed spans and were there, and writes those that `blocksTo` has sealed. */
export async function rollLevels(
  client: ClientBase,
  id: AttemptId,
  facts: AttemptFacts,
  blocksTo: number,
  changed: readonly ChangedSpan[],
  buffers: CompactionBuffers,
): Promise<Rolled> {
  const rolledTo: number[] = [];
  let rowCount = 0;
  for (let level = 0; level < facts.rolledTo.length || rowSteps(level) <= blocksTo; level++) {
    const before = facts.rolledTo[level] ?? 0;
    const sealed = alignDown(blocksTo, rowSteps(level));
    for (const place of placesOf(level, before, changed)) {
      const touching = changed.filter((span) => overlaps(span, intervalOf(place)));
      const metricIds = [...new Set(touching.flatMap((span) => span.metricIds))];
      rowCount += await rollPlace(client, id, facts, {
        place,
        metricIds,
        isRewrite: true,
        late: touching.flatMap((span) => span.late),
        buffers,
      });
    }
    // Empty stretches, which a resume far on leaves, are stepped over.
    let next = await findReportedStep(client, id, before, sealed);
    while (next !== null) {
      const place = { level, block: Math.floor(next / rowSteps(level)) };
      const { metricIds } = facts;
      rowCount += await rollPlace(client, id, facts, {
        place,
        metricIds,
        isRewrite: false,
        late: [],
        buffers,
      });
      next = await findReportedStep(client, id, intervalOf(place).to, sealed);
    }
    rolledTo.push(Math.max(before, sealed));
  }
  return { rolledTo, rowCount };
}

/**
 * Where the rows of an attempt that takes no more steps end: those of the highest level whose
 * bucket is not longer than the attempt. Everything below it counts as compacted then.
 */
export function endOfRows(newestStep: number): number {
  const extent = newestStep + 1;
  let level = 0;
  while (level < MAX_LEVEL && bucketSteps(level + 1) <= extent) level++;
  return alignUp(extent, rowSteps(level));
}

/** The rows of a level below `rolledTo` that changed spans meet, ascending. */
function placesOf(level: number, rolledTo: number, changed: readonly Interval[]): RollupPlace[] {
  const steps = rowSteps(level);
  const blocks = new Set<number>();
  for (const { from, to } of changed) {
    const end = Math.min(to, rolledTo);
    for (let block = Math.floor(from / steps); block * steps < end; block++) blocks.add(block);
  }
  return [...blocks].sort((a, b) => a - b).map((block) => ({ level, block }));
}

async function rollPlace(
  client: ClientBase,
  id: AttemptId,
  { layerCount, columnIds, roundedEnd }: AttemptFacts,
  row: {
    readonly place: RollupPlace;
    readonly metricIds: readonly number[];
    readonly isRewrite: boolean;
    readonly late: readonly MetricBlock[];
    readonly buffers: CompactionBuffers;
  },
): Promise<number> {
  const metricRows = await rollMetrics(client, { id, layerCount, roundedEnd, ...row });
  const scalarRows = await rollScalars(client, { id, columnIds, ...row });
  return metricRows + scalarRows;
}

/** The lowest reported step of [fromStep, toStep); null for none. One end of a primary key range. */
export async function findReportedStep(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
  fromStep: number,
  toStep: number,
): Promise<number | null> {
  if (fromStep >= toStep) return null;
  const { rows } = await client.query<{ step: string }>({
    name: 'compaction_reported_step',
    text: `SELECT step FROM step WHERE run = $1 AND attempt = $2 AND step >= $3 AND step < $4
      ORDER BY step LIMIT 1`,
    values: [runKey, attempt, fromStep, toStep],
  });
  return rows[0] === undefined ? null : Number(rows[0].step);
}
