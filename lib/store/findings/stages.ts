import type { z } from 'zod';
import type { stageIntervalSchema } from '../../contract/reads';
import type { StageName } from '../../contract/stages';
import type { Database } from '../database';
import type { CopyRow } from '../postgres/copy-binary';
import { Parameters } from '../postgres/parameters';
import type { RowReader } from '../postgres/snapshot';
import type { Segment } from '../runs/trajectory';

export type StageInterval = z.infer<typeof stageIntervalSchema>;

/** With the numbers that decided it, in the order of STAGE_EVIDENCE; null where not kept. */
export interface ExplainedInterval {
  readonly interval: StageInterval;
  readonly evidence: readonly number[] | null;
}

/** Intervals that touch one of the segments, of one layer or of all, by attempt, layer and step; ranges of the primary key. */
export async function findStageIntervals(
  reader: RowReader,
  runKey: string,
  segments: readonly Segment[],
  layer?: number,
): Promise<StageInterval[]> {
  const found = await findIntervals(reader, runKey, segments, layer, '');
  return found.map(({ interval }) => interval);
}

/** The same of one layer, with what each was decided with. */
export function findExplainedIntervals(
  reader: RowReader,
  runKey: string,
  segments: readonly Segment[],
  layer: number,
): Promise<ExplainedInterval[]> {
  return findIntervals(reader, runKey, segments, layer, ', stage.evidence');
}

async function findIntervals(
  reader: RowReader,
  runKey: string,
  segments: readonly Segment[],
  layer: number | undefined,
  more: '' | ', stage.evidence',
): Promise<ExplainedInterval[]> {
  const intervals: ExplainedInterval[] = [];
  if (segments.length === 0) return intervals;
  const p = new Parameters();
  const relation = p.segments(segments);
  const ofRun = `run = ${p.uuid(runKey)}`;
  const ofLayer = layer === undefined ? '' : `AND layer = ${p.integer('int', layer)}`;
  await reader.readAll([
    {
      sql: `SELECT layer, stage.attempt, stage, label, stage.from_step, stage.to_step${more}
        FROM ${relation} JOIN stage_interval AS stage
          ON stage.attempt = segment.attempt AND stage.from_step <= segment.to_step
            AND (stage.to_step IS NULL OR stage.to_step >= segment.from_step)
        WHERE ${ofRun} ${ofLayer} ORDER BY stage.attempt, layer, stage.from_step`,
      values: p.values,
      onRow: (row) =>
        intervals.push({
          interval: readInterval(row),
          evidence: more === '' || row.isNull(6) ? null : row.float8Array(6),
        }),
    },
  ]);
  return intervals;
}

function readInterval(row: CopyRow): StageInterval {
  return {
    layer: row.int4(0),
    attempt: row.int4(1),
    stage: row.text(2),
    label: row.isNull(3) ? null : row.text(3),
    fromStep: row.int8(4),
    toStep: row.isNull(5) ? null : row.int8(5),
  };
}

/**
 * What holds `now` of all layers but those that are healthy without a label, of which one
 * stands for all; and what of the stages `before` held on earlier steps. Each interval once,
 * by attempt, layer and step; ranges of the primary key.
 */
export async function findNotableStages(
  reader: RowReader,
  runKey: string,
  query: {
    readonly now: { readonly attempt: number; readonly step: number };
    readonly before: readonly Segment[];
    readonly stagesBefore: readonly StageName[];
  },
): Promise<StageInterval[]> {
  const intervals: StageInterval[] = [];
  const p = new Parameters();
  const run = p.uuid(runKey);
  const step = p.integer('bigint', query.now.step);
  const now = `FROM stage_interval AS held WHERE run = ${run} AND attempt = ${p.integer('int', query.now.attempt)}
      AND from_step <= ${step} AND (to_step IS NULL OR to_step >= ${step})`;
  const columns = 'layer, held.attempt, stage, label, held.from_step, held.to_step';
  const healthy = `stage = 'healthy' AND label IS NULL`;
  await reader.readAll([
    {
      // Not ALL: an interval that holds on two of the steps comes once.
      sql: `SELECT ${columns} ${now} AND NOT (${healthy})
        UNION (SELECT ${columns} ${now} AND ${healthy} LIMIT 1)
        UNION SELECT ${columns} FROM ${p.segments(query.before)} JOIN stage_interval AS held
          ON held.attempt = segment.attempt AND held.from_step <= segment.to_step
            AND (held.to_step IS NULL OR held.to_step >= segment.from_step)
          WHERE run = ${run} AND stage = ANY (${p.texts(query.stagesBefore)})
        ORDER BY attempt, layer, from_step`,
      values: p.values,
      onRow: (row) => intervals.push(readInterval(row)),
    },
  ]);
  return intervals;
}

export async function hasStageIntervals(db: Database, runKey: string): Promise<boolean> {
  return (await db.prisma.stageInterval.findFirst({ where: { runKey } })) !== null;
}

/** How many layers of each run's newest attempt are in each stage. One range of the primary key a run. */
export async function findCurrentStages(
  db: Database,
  newestAttempts: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, Readonly<Record<string, number>>>> {
  const { rows } = await db.pool.query<{ run: string; stage: string; layers: number }>(
    `SELECT known.run::text, known.stage, count(*)::int AS layers
     FROM unnest($1::uuid[], $2::int[]) AS newest (run, attempt)
     JOIN stage_interval AS known ON known.run = newest.run AND known.attempt = newest.attempt
     WHERE known.to_step IS NULL GROUP BY known.run, known.stage`,
    [[...newestAttempts.keys()], [...newestAttempts.values()]],
  );
  const byRun = new Map<string, Record<string, number>>();
  for (const { run, stage, layers } of rows) {
    byRun.set(run, { ...byRun.get(run), [stage]: layers });
  }
  return byRun;
}
