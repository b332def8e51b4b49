/** What steps reported, whole: read back to show detectors what they have not seen. */
import { bitsOf, MISSING_FLOAT32_BITS, missingColumn } from '../../contract/missing-value';
import { runScans } from './covered-scan';
import type { Database } from '../database';
import { findReadableRun, type ReadableRun } from './readable-run';
import { LayerScan, type LayerSink, type StepCells } from './scan-layers';
import { scalarColumns } from './scan-steps';
import { segmentFilter } from './segment-filter';
import type { PreparedQuery } from '../postgres/prepared-read';
import type { RowReader, Snapshot } from '../postgres/snapshot';
import { findStepWindow } from './step-window';
import type { Segment } from '../runs/trajectory';

export interface StepReport {
  readonly step: number;
  readonly scalars: ReadonlyMap<string, number>;
  /** [L] a metric, merged over the posts; MISSING_FLOAT32_BITS where not reported. */
  readonly layerMetrics: ReadonlyMap<string, Float32Array>;
  /** Which layers have come, a post each; one without layers has none. */
  readonly posts: readonly { readonly layerOffset: number; readonly layerCount: number }[];
}

export interface StepReportSelection {
  readonly segment: Segment;
  readonly scalars: readonly string[];
  /** `all`: whatever the run has reported of layers. */
  readonly layerMetrics: readonly string[] | 'all';
  /** Without them `posts` is empty, and a statement less is planned. */
  readonly withPosts?: boolean;
}

export interface StepReportQuery extends StepReportSelection {
  readonly runKey: string;
}

/**
 * The steps of a segment, ascending; none of a run that was deleted. The caller bounds the
 * segment: all of it is held. Wherever they are kept, as of one moment, in three round trips.
 */
export function findStepReports(db: Database, query: StepReportQuery): Promise<StepReport[]> {
  return db.readSnapshot(async (snapshot) => {
    const run = await findReadableRun(snapshot, query.runKey);
    return run === null ? [] : readStepReports(snapshot, run, query);
  });
}

/** The same in a snapshot of the caller's, which knows the run. */
export async function readStepReports(
  snapshot: Snapshot,
  run: ReadableRun,
  { segment, scalars, layerMetrics, withPosts = true }: StepReportSelection,
): Promise<StepReport[]> {
  const { runKey, layerCount } = run;
  const window = await findStepWindow(snapshot, run, {
    segments: [segment],
    columns: scalarColumns(run.names.scalar, scalars),
    maxSteps: Number.MAX_SAFE_INTEGER,
    metricId: null,
  });
  const posts = new Map<number, { layerOffset: number; layerCount: number }[]>();
  const layers = new Map<number, Map<string, Float32Array>>();
  const wanted = layerMetrics === 'all' ? [...run.names.layer.keys()] : layerMetrics;
  const scans = wanted.flatMap((name) => {
    const metricId = run.names.layer.get(name);
    if (metricId === undefined || layerCount === 0) return [];
    const sink = new ColumnsByStep(layerCount, (step) => {
      const ofStep = layers.get(step) ?? new Map<string, Float32Array>();
      layers.set(step, ofStep);
      const column = ofStep.get(name) ?? missingColumn(layerCount);
      ofStep.set(name, column);
      return column;
    });
    const query = { runKey, parts: window.parts, topLevel: -1, metricId, layerCount, planes: [] };
    return [new LayerScan(query, sink)];
  });
  if (withPosts) await readPosts(snapshot, runKey, segment, posts);
  await runScans(snapshot, scans);
  return (window.steps ?? []).map(({ step, values }) => ({
    step,
    scalars: new Map(
      scalars.flatMap((name, index) => {
        const value = values[index] ?? null;
        return value === null ? [] : [[name, value] as const];
      }),
    ),
    layerMetrics: layers.get(step) ?? new Map<string, Float32Array>(),
    posts: posts.get(step) ?? [],
  }));
}

async function readPosts(
  snapshot: Snapshot,
  runKey: string,
  segment: Segment,
  posts: Map<number, { layerOffset: number; layerCount: number }[]>,
): Promise<void> {
  await snapshot.copyRows(
    `SELECT step, layer_offset, layer_count FROM frame WHERE ${segmentFilter(runKey, segment)}
     ORDER BY step, layer_offset`,
    (row) => {
      const step = row.int8(0);
      const ofStep = posts.get(step) ?? [];
      ofStep.push({ layerOffset: row.int4(1), layerCount: row.int4(2) });
      posts.set(step, ofStep);
    },
  );
}

/** Takes blocks of steps apart into a column a step. */
class ColumnsByStep implements LayerSink {
  constructor(
    private readonly layerCount: number,
    private readonly columnOf: (step: number) => Float32Array,
  ) {}

  addSteps({ steps, from, end, values }: StepCells): void {
    const source = bitsOf(values);
    const n = steps.length;
    for (let index = from; index < end; index++) {
      const column = bitsOf(this.columnOf(steps[index] ?? -1));
      for (let layer = 0; layer < this.layerCount; layer++) {
        const bits = source[layer * n + index] ?? MISSING_FLOAT32_BITS;
        // What came late is told apart from what the block has: each cell comes once.
        if (bits !== MISSING_FLOAT32_BITS) column[layer] = bits;
      }
    }
  }

  addBuckets(): void {
    throw new Error('steps were asked for one by one');
  }
}

/** The lowest reported steps of an attempt above `afterStep`, at most `limit`; a range of the primary key. */
export async function findStepsAfter(
  db: Database,
  runKey: string,
  { attempt, afterStep, limit }: { attempt: number; afterStep: number; limit: number },
): Promise<number[]> {
  const { rows } = await db.pool.query<{ step: string }>(
    `SELECT step FROM step WHERE run = $1 AND attempt = $2 AND step > $3 ORDER BY step LIMIT $4`,
    [runKey, attempt, afterStep, limit],
  );
  return rows.map(({ step }) => Number(step));
}

/** What finds the highest `limit` reported steps of a segment, descending; the end of a range of the primary key. */
export function newestStepsQuery(
  runKey: string,
  { attempt, fromStep, toStep }: Segment,
  limit: number,
): { readonly query: PreparedQuery; readonly steps: number[] } {
  const steps: number[] = [];
  return {
    query: {
      sql: `SELECT step FROM step WHERE run = $1::uuid AND attempt = $2::int AND step BETWEEN $3::bigint AND $4::bigint
        ORDER BY step DESC LIMIT $5::int`,
      values: [runKey, `${attempt}`, `${fromStep}`, `${toStep}`, `${limit}`],
      onRow: (row) => steps.push(row.int8(0)),
    },
    steps,
  };
}

/** These alone. */
export async function findNewestSteps(
  reader: RowReader,
  runKey: string,
  segment: Segment,
  limit: number,
): Promise<number[]> {
  const { query, steps } = newestStepsQuery(runKey, segment, limit);
  await reader.readAll([query]);
  return steps;
}
