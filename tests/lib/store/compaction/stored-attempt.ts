/** Everything that is stored of an attempt, and whether it is what was posted. */
import { MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import type { Frame } from '@/lib/contract/frame';
import { bucketSteps, rowSteps } from '@/lib/store/compaction/block-layout';
import {
  decodeMetricBlock,
  decodeMetricRollup,
  decodeScalarRollup,
  METRIC_BLOCK_COLUMNS,
  METRIC_ROLLUP_COLUMNS,
  SCALAR_ROLLUP_COLUMNS,
  type MetricBlock,
  type PlacedMetricRollup,
  type PlacedScalarRollup,
} from '@/lib/store/compaction/block-rows';
import type { Database } from '@/lib/store/database';
import type { RowReader } from '@/lib/store/postgres/snapshot';
import {
  bruteBuckets,
  bruteScalars,
  expectSameBuckets,
  expectSameScalars,
  toFacts,
  toScalarFacts,
  type Cell,
} from './brute-rollup';

export interface StoredAttempt {
  readonly blocksTo: number;
  readonly rolledTo: readonly number[];
  readonly hot: readonly { readonly step: number; readonly layerOffset: number }[];
  readonly blocks: readonly MetricBlock[];
  readonly rollups: readonly PlacedMetricRollup[];
  readonly scalars: readonly PlacedScalarRollup[];
  /** Every cell that is stored, "metric/step/layer/bits", once for each place that has it. */
  readonly cells: readonly string[];
  /** "metric/step" of each report, as the cells. */
  readonly reports: readonly string[];
}

export interface Post {
  readonly attempt: number;
  readonly layerOffset: number;
  readonly frame: Frame;
}

function cellsOf(bits: Uint32Array, name: (index: number) => string): string[] {
  const cells: string[] = [];
  bits.forEach((value, index) => {
    if (value !== MISSING_FLOAT32_BITS) cells.push(`${name(index)}/${value}`);
  });
  return cells;
}

/**
 * As of one moment: of a compaction whose connection broke the server may carry out the
 * COMMIT between two statements of a reader without a snapshot.
 */
export function readStored(db: Database, runKey: string, attempt: number): Promise<StoredAttempt> {
  return db.readSnapshot((snapshot) => readAttempt(snapshot, runKey, attempt));
}

async function readAttempt(
  snapshot: RowReader,
  runKey: string,
  attempt: number,
): Promise<StoredAttempt> {
  const where = `WHERE run = '${runKey}' AND attempt = ${attempt}`;
  let blocksTo = 0;
  let rolledTo: number[] = [];
  await snapshot.copyRows(`SELECT blocks_to, rolled_to FROM compaction_state ${where}`, (row) => {
    blocksTo = row.int8(0);
    rolledTo = Array.from(row.int8Array(1), Number);
  });
  const hot: { step: number; layerOffset: number }[] = [];
  const blocks: MetricBlock[] = [];
  const rollups: PlacedMetricRollup[] = [];
  const scalars: PlacedScalarRollup[] = [];
  const cells: string[] = [];
  const reports = new Set<string>();
  const twice: string[] = [];
  await snapshot.copyRows(
    `SELECT step, layer_offset, layer_count, metric_ids, "values" FROM hot_frame ${where} ORDER BY step, layer_offset`,
    (row) => {
      const step = row.int8(0);
      const layerOffset = row.int4(1);
      const layerCount = row.int4(2);
      hot.push({ step, layerOffset });
      const bits = new Uint32Array(Uint8Array.from(row.bytes(4)).buffer);
      row.int2Array(3).forEach((metric, position) => {
        reports.add(`${metric}/${step}`);
        const column = bits.subarray(position * layerCount, (position + 1) * layerCount);
        cells.push(...cellsOf(column, (layer) => `${metric}/${step}/${layer + layerOffset}`));
      });
    },
  );
  const hotReports = new Set(reports);
  await snapshot.copyRows(
    `SELECT ${METRIC_BLOCK_COLUMNS} FROM metric_block ${where} ORDER BY metric, first_step`,
    (row) => {
      const block = decodeMetricBlock(row);
      blocks.push(block);
      const { metricId, firstStep, offsets, values } = block;
      const n = offsets.length;
      for (const offset of offsets) {
        const report = `${metricId}/${firstStep + offset}`;
        if (reports.has(report) && !hotReports.has(report)) twice.push(report);
        reports.add(report);
      }
      cells.push(
        ...cellsOf(
          new Uint32Array(values.buffer),
          (index) => `${metricId}/${firstStep + offsets[index % n]!}/${Math.floor(index / n)}`,
        ),
      );
    },
  );
  await snapshot.copyRows(
    `SELECT ${METRIC_ROLLUP_COLUMNS} FROM metric_rollup ${where} ORDER BY metric, level, block`,
    (row) => rollups.push(decodeMetricRollup(row)),
  );
  await snapshot.copyRows(
    `SELECT ${SCALAR_ROLLUP_COLUMNS} FROM scalar_rollup ${where} ORDER BY level, block`,
    (row) => scalars.push(decodeScalarRollup(row)),
  );
  if (twice.length > 0) throw new Error(`in two blocks: ${twice.join(', ')}`);
  return {
    blocksTo,
    rolledTo,
    hot,
    blocks,
    rollups,
    scalars,
    cells: cells.sort(),
    reports: [...reports].sort(),
  };
}

interface Truth {
  readonly layerCount: number;
  /** By metric number and step: one cell a layer. */
  readonly metrics: ReadonlyMap<number, ReadonlyMap<number, readonly Cell[]>>;
  readonly scalars: ReadonlyMap<number, ReadonlyMap<number, number>>;
  readonly cells: readonly string[];
  readonly reports: readonly string[];
}

/** What an attempt's posts say together; no two report the same cell. */
async function truthOf(
  db: Database,
  runKey: string,
  layerCount: number,
  posts: readonly Post[],
): Promise<Truth> {
  const rows = await db.prisma.metric.findMany({ where: { runKey } });
  const idOf = (kind: string, name: string): number => {
    if (name === 'wall_time') return -1;
    return rows.find((row) => row.kind === kind && row.name === name)!.metricId;
  };
  const metrics = new Map<number, Map<number, Cell[]>>();
  const scalars = new Map<number, Map<number, number>>();
  const cells: string[] = [];
  const reports = new Set<string>();
  for (const { layerOffset, frame } of posts) {
    const { step, wallTime, layerMetrics } = frame;
    const ofStep = scalars.get(step) ?? new Map<number, number>();
    scalars.set(step, ofStep);
    const said =
      wallTime === null ? frame.scalars : [...frame.scalars, ['wall_time', wallTime] as const];
    for (const [name, value] of said) {
      const id = idOf('scalar', name);
      if (!ofStep.has(id)) ofStep.set(id, value);
    }
    for (const [name, values] of layerMetrics) {
      const id = idOf('layer', name);
      reports.add(`${id}/${step}`);
      const bySteps = metrics.get(id) ?? new Map<number, Cell[]>();
      metrics.set(id, bySteps);
      const column = bySteps.get(step) ?? new Array<Cell>(layerCount).fill(null);
      bySteps.set(step, column);
      const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
      bits.forEach((value, layer) => {
        if (value === MISSING_FLOAT32_BITS) return;
        column[layerOffset + layer] = values[layer]!;
        cells.push(`${id}/${step}/${layerOffset + layer}/${value}`);
      });
    }
  }
  return { layerCount, metrics, scalars, cells: cells.sort(), reports: [...reports].sort() };
}

function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const [got, wanted] = [actual, expected].map((value) => JSON.stringify(value) ?? 'undefined');
  if (got !== wanted) throw new Error(`${what}: expected ${wanted}, got ${got}`);
}

/**
 * Throws unless every posted cell is stored exactly once, every rollup row says what each
 * value in its range says, and exactly the rows that pay are there.
 */
export async function expectStoredIs(
  db: Database,
  runKey: string,
  layerCount: number,
  posts: readonly Post[],
): Promise<void> {
  for (const attempt of new Set(posts.map((post) => post.attempt))) {
    const stored = await readStored(db, runKey, attempt);
    const ofAttempt = posts.filter((post) => post.attempt === attempt);
    const truth = await truthOf(db, runKey, layerCount, ofAttempt);
    expectEqual(stored.cells, truth.cells, 'cells');
    expectEqual(stored.reports, truth.reports, 'reports');
    expectBlocksFit(stored);
    // Rows above steps that came late are corrected together with their blocks.
    const isDirty = (from: number, to: number): boolean =>
      stored.hot.some(({ step }) => step < stored.blocksTo && step >= from && step < to);
    for (const { metricId, level, block, rollup } of stored.rollups) {
      const firstStep = block * rowSteps(level);
      if (isDirty(firstStep, firstStep + rowSteps(level))) continue;
      const expected = bruteBuckets(
        truth.metrics.get(metricId) ?? new Map(),
        firstStep,
        bucketSteps(level),
        layerCount,
      );
      expectSameBuckets(toFacts(rollup, layerCount), expected);
    }
    for (const { level, block, rollup } of stored.scalars) {
      const firstStep = block * rowSteps(level);
      if (isDirty(firstStep, firstStep + rowSteps(level))) continue;
      const expected = bruteScalars(truth.scalars, firstStep, bucketSteps(level));
      expectSameScalars(toScalarFacts(rollup), expected);
    }
    if (isDirty(0, Infinity)) continue;
    for (const [metricId, steps] of truth.metrics) {
      const rows = stored.rollups.filter((row) => row.metricId === metricId);
      expectEqual(placesOf(rows), payingPlaces([...steps.keys()], stored.rolledTo), 'metric rows');
    }
    const reported = [...truth.scalars.keys()];
    expectEqual(placesOf(stored.scalars), payingPlaces(reported, stored.rolledTo), 'scalar rows');
  }
}

function expectBlocksFit({ blocks, blocksTo }: StoredAttempt): void {
  for (const [index, { metricId, firstStep, span, offsets, values }] of blocks.entries()) {
    const before = blocks[index - 1];
    const isApart = before?.metricId !== metricId || before.firstStep + before.span <= firstStep;
    const isAscending = offsets.every(
      (offset, column) => offset < span && (column === 0 || offset > offsets[column - 1]!),
    );
    const isWell =
      isApart &&
      isAscending &&
      [64, 256, 1024, 4096, 16_384].includes(span) &&
      firstStep % span === 0 &&
      firstStep + span <= blocksTo &&
      values.length % offsets.length === 0;
    if (!isWell) {
      throw new Error(
        `block ${metricId}/${firstStep} of ${span} steps (${[...offsets].join()}) does not fit after ${before?.firstStep} of ${before?.span}, below ${blocksTo}`,
      );
    }
  }
}

function placesOf(rows: readonly { readonly level: number; readonly block: number }[]): string[] {
  return rows.map(({ level, block }) => `${level}/${block}`).sort();
}

/** The rows below `rolledTo` that at least halve what the rows and steps below them have. */
function payingPlaces(steps: readonly number[], rolledTo: readonly number[]): string[] {
  const places: string[] = [];
  /** First steps of the columns that a read finds at the level below, by row. */
  let columns = [...steps];
  rolledTo.forEach((end, level) => {
    const next: number[] = [];
    for (const block of new Set(columns.map((step) => Math.floor(step / rowSteps(level))))) {
      const inside = columns.filter((step) => Math.floor(step / rowSteps(level)) === block);
      const buckets = new Set(inside.map((step) => Math.floor(step / bucketSteps(level))));
      const pays = buckets.size * 2 <= inside.length && (block + 1) * rowSteps(level) <= end;
      if (!pays) next.push(...inside);
      else {
        places.push(`${level}/${block}`);
        next.push(...[...buckets].map((bucket) => bucket * bucketSteps(level)));
      }
    }
    columns = next;
  });
  return places.sort();
}
