/**
 * What there is to read in a window of steps, found in one round trip: the ends of each
 * segment, the steps themselves where they are few, what came after its block was written,
 * and which levels of rollups exist at all.
 */
import type { StepSpan } from './cover';
import { inSegment, Parameters } from '../postgres/parameters';
import type { PreparedQuery } from '../postgres/prepared-read';
import { gapsOfSegments } from './raw-gaps';
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
  run: Pick<ReadableRun, 'runKey' | 'createdAt' | 'compaction'>,
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
  run: Pick<ReadableRun, 'runKey' | 'createdAt' | 'compaction'>,
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

  const compacted = segments
    .map((segment) => ({
      ...segment,
      toStep: Math.min(segment.toStep, progressOf(run, segment.attempt).blocksTo - 1),
    }))
    .filter(({ fromStep, toStep }) => fromStep <= toStep);
  const levels = Math.max(
    0,
    ...compacted.map(({ attempt }) => progressOf(run, attempt).rolledTo.length),
  );
  const queries: PreparedQuery[] = [
    {
      ...outlineSql(runKey, { segments, compacted, levels, metricId }),
      onRow: (row) => {
        const attempt = row.int4(1);
        const first = row.int8(2);
        switch (row.int4(0)) {
          case EXTENT:
            extents.push({ attempt, firstStep: first, lastStep: row.int8(3) });
            break;
          case LATE:
            append(late, attempt, first);
            break;
          case SCALAR_LEVEL:
            scalarLevels.set(attempt, (scalarLevels.get(attempt) ?? new Set()).add(first));
            break;
          case LAYER_LEVEL:
            layerLevels.set(attempt, (layerLevels.get(attempt) ?? new Set()).add(first));
            break;
          case GAP:
            append(layerGaps, attempt, { fromStep: first, endStep: row.int8(3) });
            break;
        }
      },
    },
  ];
  const asked = `${runKey}/${run.createdAt}/${maxSteps}/${segments.map(({ attempt, fromStep, toStep }) => `${attempt},${fromStep},${toStep}`).join('/')}`;
  const isKnownToOverflow = overflowing.has(asked);
  if (!isKnownToOverflow) {
    queries.push({
      ...stepsSql(runKey, segments, columns, maxSteps),
      onRow: (row) =>
        steps.push({
          attempt: row.int4(0),
          step: row.int8(1),
          values: columns.map((_, index) => row.float8(index + 2)),
        }),
    });
  }
  return {
    queries,
    window: (read) => {
      const parts = extents.map(({ attempt, firstStep, lastStep }) => ({
        attempt,
        firstStep,
        lastStep,
        ...progressOf(read, attempt),
        lateSteps: (late.get(attempt) ?? []).sort((a, b) => a - b),
        scalarLevels: scalarLevels.get(attempt) ?? new Set<number>(),
        layerLevels: layerLevels.get(attempt) ?? new Set<number>(),
        layerGaps: cutSpans(layerGaps.get(attempt) ?? [], firstStep, lastStep + 1),
      }));
      // A statement of several parts promises no order.
      parts.sort((a, b) => a.attempt - b.attempt);
      // Steps that are too many come as none.
      if (parts.length === 0 || steps.length > 0) return { parts, steps };
      if (!isKnownToOverflow) rememberOverflow(asked);
      return { parts, steps: null };
    },
  };
}

/** Windows that are being looked at. */
const MAX_OVERFLOWING = 256;

/**
 * Windows that held more steps than were asked for. They still do: a run only gains steps for
 * as long as it is there. Counting a thousand of them again would take as long as finding out
 * all else about a window.
 */
const overflowing = new Set<string>();

function rememberOverflow(asked: string): void {
  overflowing.add(asked);
  for (const oldest of overflowing) {
    if (overflowing.size <= MAX_OVERFLOWING) break;
    overflowing.delete(oldest);
  }
}

/** What of the spans lies in [fromStep, endStep), ascending. */
function cutSpans(spans: readonly StepSpan[], fromStep: number, endStep: number): StepSpan[] {
  return spans
    .map((span) => ({
      fromStep: Math.max(span.fromStep, fromStep),
      endStep: Math.min(span.endStep, endStep),
    }))
    .filter((span) => span.fromStep < span.endStep)
    .sort((a, b) => a.fromStep - b.fromStep);
}

function append<Value>(lists: Map<number, Value[]>, key: number, value: Value): void {
  const list = lists.get(key) ?? [];
  list.push(value);
  lists.set(key, list);
}

type Statement = Pick<PreparedQuery, 'sql' | 'values'>;

interface OutlineQuery {
  readonly segments: readonly Segment[];
  /** What of them may be in blocks. */
  readonly compacted: readonly Segment[];
  readonly levels: number;
  readonly metricId: number | null;
}

const [EXTENT, LATE, SCALAR_LEVEL, LAYER_LEVEL, GAP] = [0, 1, 2, 3, 4] as const;

/** All but the steps, in one statement: each part, its attempt and two numbers. */
function outlineSql(
  runKey: string,
  { segments, compacted, levels, metricId }: OutlineQuery,
): Statement {
  const p = new Parameters();
  const run = p.uuid(runKey);
  const parts = [extentsSql(p, run, segments)];
  if (compacted.length > 0) {
    const relation = p.segments(compacted);
    const asked = `unnest(${p.integers(
      'int',
      compacted.map(({ attempt }) => attempt),
    )}) AS attempts (attempt) CROSS JOIN generate_series(0, ${p.integer('int', levels - 1)}) AS asked (level)`;
    parts.push(lateSql(run, relation), levelsSql(asked, `scalar_rollup WHERE run = ${run}`));
    if (metricId !== null) {
      const metric = p.integer('smallint', metricId);
      const rollup = `metric_rollup WHERE run = ${run} AND metric = ${metric}`;
      parts.push(levelsSql(asked, rollup, LAYER_LEVEL), gapsSql(run, metric, relation));
    }
  }
  return { sql: parts.join(' UNION ALL '), values: p.values };
}

function extentsSql(p: Parameters, run: string, segments: readonly Segment[]): string {
  const end = (order: string): string =>
    `LATERAL (SELECT step FROM step WHERE ${inSegment(run)} ORDER BY step ${order} LIMIT 1)`;
  return `SELECT ${EXTENT}, segment.attempt, earliest.step, latest.step FROM ${p.segments(segments)}
    CROSS JOIN ${end('ASC')} AS earliest CROSS JOIN ${end('DESC')} AS latest`;
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
function lateSql(run: string, relation: string): string {
  return `SELECT ${LATE}, segment.attempt, late.step, 0::bigint FROM ${relation} CROSS JOIN LATERAL (
      SELECT DISTINCT step FROM hot_frame WHERE ${inSegment(run)} ORDER BY step) AS late`;
}

/**
 * Which of the levels have a row, of a metric or of the scalars; one probe of the primary key
 * each, which LIMIT makes sure of.
 */
function levelsSql(asked: string, rollup: string, part: number = SCALAR_LEVEL): string {
  return `SELECT ${part}, attempts.attempt, asked.level::bigint, 0::bigint FROM ${asked}
    CROSS JOIN LATERAL (
      SELECT 1 FROM ${rollup} AND attempt = attempts.attempt AND level = asked.level LIMIT 1) AS found`;
}

function gapsSql(run: string, metric: string, relation: string): string {
  return `SELECT ${GAP}, gap.* FROM (${gapsOfSegments(run, metric, relation)}) AS gap`;
}
