/**
 * What there is to read in a window of steps, found in one round trip: the ends of each
 * segment, the steps themselves where they are few, what came after its block was written,
 * and which levels of rollups exist at all.
 */
import type { StepSpan } from './cover';
import { inSegment, Parameters } from '../postgres/parameters';
import type { PreparedQuery } from '../postgres/prepared-read';
import { gapsQuery } from './raw-gaps';
import type { CompactionProgress, ReadableRun } from './readable-run';
import { type ScalarColumn, selectScalars } from './scan-steps';
import type { RowReader } from '../postgres/snapshot';
import type { Segment } from '../runs/trajectory';

/** The part of one attempt that lies in the window and has at least one reported step. */
export interface WindowPart extends CompactionProgress {
  readonly attempt: number;
  /** Reported steps, both inclusive. */
  readonly firstStep: number;
  readonly lastStep: number;
  /** Steps below `blocksTo` with posts that are in no block yet, ascending. */
  readonly lateSteps: readonly number[];
  /** Levels with at least one row, of what the steps say and of the asked layer metric. */
  readonly scalarLevels: ReadonlySet<number>;
  readonly layerLevels: ReadonlySet<number>;
  /** Steps of which only rollups of the asked metric are left, ascending and apart. */
  readonly layerGaps: readonly StepSpan[];
}

/** A step of one attempt. */
export interface StepPlace {
  readonly attempt: number;
  readonly step: number;
}

/** One reported step with its scalars in the order asked for; null is "not reported". */
export interface ScannedStep extends StepPlace {
  readonly values: readonly (number | null)[];
}

export interface StepWindow {
  /** In ascending order of attempt. */
  readonly parts: readonly WindowPart[];
  /** Every reported step, by attempt and step; null where there are more than `maxSteps`. */
  readonly steps: readonly ScannedStep[] | null;
}

export interface WindowQuery {
  readonly segments: readonly Segment[];
  readonly columns: readonly ScalarColumn[];
  readonly maxSteps: number;
  /** null for a read that needs no layers. */
  readonly metricId: number | null;
}

const NOTHING_COMPACTED: CompactionProgress = { blocksTo: 0, rolledTo: [] };

/** What finds a window, for a caller who sends more queries with it. */
export interface WindowQueries {
  readonly queries: readonly PreparedQuery[];
  /** Once they are answered, of the run as it was then. */
  readonly window: (run: Pick<ReadableRun, 'compaction'>) => StepWindow;
}

/** `others` go with the queries of the window. */
export async function findStepWindow(
  reader: RowReader,
  run: Pick<ReadableRun, 'runKey' | 'compaction'>,
  query: WindowQuery,
  others: readonly PreparedQuery[] = [],
): Promise<StepWindow> {
  const { queries, window } = windowQueries(run, query);
  await reader.readAll([...others, ...queries]);
  return window(run);
}

function progressOf(
  { compaction }: Pick<ReadableRun, 'compaction'>,
  attempt: number,
): CompactionProgress {
  return compaction.get(attempt) ?? NOTHING_COMPACTED;
}

/** Ends and ranges of primary keys; at most `maxSteps` rows with all their scalars. */
export function windowQueries(
  run: Pick<ReadableRun, 'runKey' | 'compaction'>,
  { segments, columns, maxSteps, metricId }: WindowQuery,
): WindowQueries {
  if (segments.length === 0) return { queries: [], window: () => ({ parts: [], steps: [] }) };
  const { runKey } = run;
  const extents: { attempt: number; firstStep: number; lastStep: number }[] = [];
  const steps: ScannedStep[] = [];
  const late = new Map<number, number[]>();
  const scalarLevels = new Map<number, Set<number>>();
  const layerLevels = new Map<number, Set<number>>();
  const layerGaps = new Map<number, StepSpan[]>();

  const queries: PreparedQuery[] = [
    {
      ...extentsSql(runKey, segments),
      onRow: (row) =>
        extents.push({ attempt: row.int4(0), firstStep: row.int8(1), lastStep: row.int8(2) }),
    },
    {
      ...stepsSql(runKey, segments, columns, maxSteps),
      onRow: (row) =>
        steps.push({
          attempt: row.int4(0),
          step: row.int8(1),
          values: columns.map((_, index) => row.float8(index + 2)),
        }),
    },
  ];
  const compacted = segments
    .map((segment) => ({
      ...segment,
      toStep: Math.min(segment.toStep, progressOf(run, segment.attempt).blocksTo - 1),
    }))
    .filter(({ fromStep, toStep }) => fromStep <= toStep);
  if (compacted.length > 0) {
    const levels = Math.max(
      0,
      ...compacted.map(({ attempt }) => progressOf(run, attempt).rolledTo.length),
    );
    const attempts = compacted.map(({ attempt }) => attempt);
    const takeInto = (found: Map<number, Set<number>>): PreparedQuery['onRow'] => {
      return (row) => {
        const ofAttempt = found.get(row.int4(0)) ?? new Set();
        found.set(row.int4(0), ofAttempt.add(row.int4(1)));
      };
    };
    queries.push(
      {
        ...lateSql(runKey, compacted),
        onRow: (row) => append(late, row.int4(0), row.int8(1)),
      },
      { ...levelsSql(runKey, attempts, levels, null), onRow: takeInto(scalarLevels) },
    );
    if (metricId !== null) {
      queries.push({
        ...levelsSql(runKey, attempts, levels, metricId),
        onRow: takeInto(layerLevels),
      });
      queries.push(
        gapsQuery(runKey, compacted, metricId, (attempt, gap) => append(layerGaps, attempt, gap)),
      );
    }
  }
  return {
    queries,
    window: (read) => ({
      parts: extents.map(({ attempt, firstStep, lastStep }) => ({
        attempt,
        firstStep,
        lastStep,
        ...progressOf(read, attempt),
        lateSteps: late.get(attempt) ?? [],
        scalarLevels: scalarLevels.get(attempt) ?? new Set(),
        layerLevels: layerLevels.get(attempt) ?? new Set(),
        layerGaps: cutSpans(layerGaps.get(attempt) ?? [], firstStep, lastStep + 1),
      })),
      // Steps that are too many come as none.
      steps: extents.length === 0 || steps.length > 0 ? steps : null,
    }),
  };
}

/** What of the spans lies in [fromStep, endStep). */
function cutSpans(spans: readonly StepSpan[], fromStep: number, endStep: number): StepSpan[] {
  return spans
    .map((span) => ({
      fromStep: Math.max(span.fromStep, fromStep),
      endStep: Math.min(span.endStep, endStep),
    }))
    .filter((span) => span.fromStep < span.endStep);
}

function append<Value>(lists: Map<number, Value[]>, key: number, value: Value): void {
  const list = lists.get(key) ?? [];
  list.push(value);
  lists.set(key, list);
}

type Statement = Pick<PreparedQuery, 'sql' | 'values'>;

function extentsSql(runKey: string, segments: readonly Segment[]): Statement {
  const p = new Parameters();
  const relation = p.segments(segments);
  const steps = inSegment(p.uuid(runKey));
  const end = (order: string): string =>
    `LATERAL (SELECT step FROM step WHERE ${steps} ORDER BY step ${order} LIMIT 1)`;
  const sql = `SELECT segment.attempt, earliest.step, latest.step FROM ${relation}
    CROSS JOIN ${end('ASC')} AS earliest CROSS JOIN ${end('DESC')} AS latest`;
  return { sql, values: p.values };
}

/** The steps, or none where they are more than fit; the index is then counted as far as that. */
function stepsSql(
  runKey: string,
  segments: readonly Segment[],
  columns: readonly ScalarColumn[],
  maxSteps: number,
): Statement {
  const p = new Parameters();
  const relation = p.segments(segments);
  const steps = inSegment(p.uuid(runKey));
  // Where segments overlap, several rows may be one step.
  const maxRows = maxSteps * (haveOverlap(segments) ? segments.length : 1);
  const sql = `SELECT segment.attempt, reported.* FROM ${relation}
    CROSS JOIN LATERAL (SELECT step${selectScalars(p, columns)} FROM step WHERE ${steps} ORDER BY step) AS reported
    WHERE NOT EXISTS (
      SELECT 1 FROM ${relation} CROSS JOIN LATERAL (SELECT 1 FROM step WHERE ${steps} OFFSET 0) AS counted
      OFFSET ${p.integer('bigint', Math.min(maxRows, Number.MAX_SAFE_INTEGER))} LIMIT 1)`;
  return { sql, values: p.values };
}

/** Whether a step may lie in two of the segments. */
export function haveOverlap(segments: readonly Segment[]): boolean {
  const ascending = segments.toSorted((a, b) => a.fromStep - b.fromStep);
  return ascending.some(({ fromStep }, index) => {
    const before = ascending[index - 1];
    return before !== undefined && fromStep <= before.toStep;
  });
}

/** Steps with hot rows. */
function lateSql(runKey: string, compacted: readonly Segment[]): Statement {
  const p = new Parameters();
  const sql = `SELECT segment.attempt, late.step FROM ${p.segments(compacted)} CROSS JOIN LATERAL (
      SELECT DISTINCT step FROM hot_frame WHERE ${inSegment(p.uuid(runKey))} ORDER BY step) AS late`;
  return { sql, values: p.values };
}

/**
 * Which of the levels have a row, of a metric or of the scalars; one probe of the primary key
 * each, which LIMIT makes sure of.
 */
function levelsSql(
  runKey: string,
  attempts: readonly number[],
  levels: number,
  metricId: number | null,
): Statement {
  const p = new Parameters();
  const ofRun = `run = ${p.uuid(runKey)}`;
  const rollup =
    metricId === null
      ? `scalar_rollup WHERE ${ofRun}`
      : `metric_rollup WHERE ${ofRun} AND metric = ${p.integer('smallint', metricId)}`;
  const sql = `SELECT attempts.attempt, asked.level
    FROM unnest(${p.integers('int', attempts)}) AS attempts (attempt)
    CROSS JOIN generate_series(0, ${p.integer('int', levels - 1)}) AS asked (level)
    CROSS JOIN LATERAL (
      SELECT 1 FROM ${rollup} AND attempt = attempts.attempt AND level = asked.level LIMIT 1) AS found`;
  return { sql, values: p.values };
}
