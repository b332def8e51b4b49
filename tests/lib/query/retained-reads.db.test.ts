/** Reads of runs of which retention has left rollups in places, against every posted value. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readHeatmap } from '@/lib/query/read-heatmap';
import { readSeries } from '@/lib/query/read-series';
import { useDatabase } from '@/tests/database';
import type { Cell } from '@/tests/lib/store/compaction/brute-rollup';
import { compactAll, withClient } from '@/tests/lib/store/compaction/compactor';
import { OLD, retain, totalsOf, YOUNG } from '@/tests/lib/store/retention-run';
import { Faults } from './faults';
import { anyLongRun, type LongPost, type LongRun, type LongStep, stepsOf } from './long-runs';
import { anyReadWindow, selectSteps, stepsQueryOf } from './read-windows';
import { attemptsOf, createLongRun, writePosts } from './stored-long-run';
import { METRIC, reduceCells } from './stored-runs';

const database = useDatabase();
let runNumber = 0;
const BUCKET = 16;

const anyWindow = anyReadWindow(
  fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(1000, 3000, 3000)),
  ['max', 'min', 'mean'],
);
type Window = typeof anyWindow extends fc.Arbitrary<infer T> ? T : never;

const anyAge = fc.record({
  /** Steps below are old. */
  oldBelow: fc.oneof(fc.nat({ max: 3000 }), fc.constant(100_000)),
  /** But these. */
  young: fc.array(fc.nat({ max: 3000 }), { maxLength: 2 }),
  spikes: fc.array(fc.nat({ max: 4000 }), { maxLength: 1 }),
});

interface Gap {
  readonly attempt: number;
  readonly from: number;
  readonly end: number;
}

async function findGaps(runKey: string): Promise<Gap[]> {
  const { rows } = await database.db.pool.query<{ attempt: number; from: string; end: string }>(
    `SELECT attempt, from_step AS from, end_step AS "end" FROM raw_gap WHERE run = $1 AND metric >= 0`,
    [runKey],
  );
  return rows.map((row) => ({
    attempt: row.attempt,
    from: Number(row.from),
    end: Number(row.end),
  }));
}

/** The steps of each column; of those in a gap the whole bucket, as no more is known of it. */
function groupByColumns(
  steps: readonly LongStep[],
  all: readonly LongStep[],
  columns: readonly { readonly fromStep: number; readonly toStep: number }[],
  gaps: readonly Gap[],
  faults: Faults,
): LongStep[][] {
  let position = 0;
  const groups = columns.map(({ fromStep, toStep }) => {
    const start = position;
    while ((steps[position]?.step ?? Infinity) <= toStep) position++;
    const group = steps.slice(start, position);
    faults.same(group[0]?.step, fromStep, 'first step');
    faults.same(group.at(-1)?.step, toStep, 'last step');
    const meant = new Set<LongStep>();
    for (const it of group) {
      const isInGap = gaps.some(
        ({ attempt, from, end }) => attempt === it.attempt && it.step >= from && it.step < end,
      );
      if (!isInGap) meant.add(it);
      else {
        const bucket = Math.floor(it.step / BUCKET);
        for (const other of all) {
          const isBeside = Math.floor(other.step / BUCKET) === bucket;
          if (isBeside && other.attempt === it.attempt) meant.add(other);
        }
      }
    }
    return [...meant];
  });
  expect(position).toBe(steps.length);
  return groups;
}

async function checkWindow(
  id: string,
  runKey: string,
  run: LongRun,
  all: readonly LongStep[],
  window: Window,
): Promise<void> {
  const faults = new Faults();
  const { limit, reduce } = window;
  const query = stepsQueryOf(window);
  const steps = selectSteps(all, run, window);
  const gaps = await findGaps(runKey);
  const layer = window.layer % run.layerCount;
  const cellsOf = (group: readonly LongStep[], row: number): Cell[] =>
    group.map((it) => it.cells[row]!);
  if (!all.some(({ hasLayers }) => hasLayers)) return;

  const { points } = await readSeries(database.db, id, layer, {
    ...query,
    metric: METRIC,
    points: limit,
  });
  expect(points.length).toBeLessThanOrEqual(limit);
  groupByColumns(steps, all, points, gaps, faults).forEach((group, index) => {
    faults.point(points[index], cellsOf(group, layer), `series ${index}`);
  });

  const heatmap = await readHeatmap(database.db, id, {
    ...query,
    metric: METRIC,
    columns: limit,
    reduce,
  });
  const extents = Array.from(heatmap.fromStep, (from, column) => ({
    fromStep: from,
    toStep: heatmap.toStep[column]!,
  }));
  expect(extents.length).toBeLessThanOrEqual(limit);
  groupByColumns(steps, all, extents, gaps, faults).forEach((group, column) => {
    for (let row = 0; row < run.layerCount; row++) {
      const expected = reduceCells(cellsOf(group, row));
      const cell = row * extents.length + column;
      const what = `${reduce} ${row}, ${column}`;
      faults.same(heatmap.nonFinite[cell], expected.nonFiniteCount, `${what} non-finite`);
      if (reduce === 'mean') faults.mean(heatmap.values[cell], expected, what);
      else faults.same(heatmap.values[cell], expected[reduce], what);
    }
  });
  faults.expectNone();
}

async function setAges(
  runKey: string,
  age: typeof anyAge extends fc.Arbitrary<infer T> ? T : never,
) {
  const { pool } = database.db;
  await pool.query(
    `UPDATE step SET received_at = CASE WHEN step < $2 AND step <> ALL($3) THEN $4::timestamptz ELSE $5 END WHERE run = $1`,
    [runKey, age.oldBelow, age.young, OLD, YOUNG],
  );
  for (const step of age.spikes) await addSpike(runKey, step);
}

async function addSpike(runKey: string, step: number): Promise<void> {
  await database.db.pool.query(
    `INSERT INTO spike (run, id, attempt, kind, onset_step, recovery, first_movers, verdict)
     VALUES ($1, $2, 1, 'loss', $3, 'open', '[]', 'insufficient_data') ON CONFLICT DO NOTHING`,
    [runKey, `at-${step}`, step],
  );
}

interface BlockRow {
  readonly attempt: number;
  readonly metric: number;
  readonly first_step: string;
  readonly span: number;
}

async function blocksOf(runKey: string): Promise<BlockRow[]> {
  const { rows } = await database.db.pool.query<BlockRow>(
    'SELECT attempt, metric, first_step, span FROM metric_block WHERE run = $1 ORDER BY 1, 2, 3',
    [runKey],
  );
  return rows;
}

/** Told from the tables, block by block. */
async function expectWent(runKey: string, before: readonly BlockRow[], run: LongRun) {
  const { pool } = database.db;
  const { rows: spikes } = await pool.query<{ step: string }>(
    'SELECT onset_step AS step FROM spike WHERE run = $1',
    [runKey],
  );
  const after = new Set((await blocksOf(runKey)).map((row) => JSON.stringify(row)));
  for (const block of before) {
    const [from, end] = [Number(block.first_step), Number(block.first_step) + block.span];
    const { rows } = await pool.query<{ young: number; hot: number; rolled: number }>(
      `SELECT (SELECT count(*) FROM step WHERE run = $1 AND attempt = $2 AND step >= $3 AND step < $4 AND received_at > $5)::int AS young,
         (SELECT count(*) FROM hot_frame WHERE run = $1 AND attempt = $2 AND step >= $3 AND step < $4)::int AS hot,
         (SELECT count(*) FROM metric_rollup WHERE run = $1 AND attempt = $2 AND metric = $6 AND level = 0
            AND block * 1024 < $4 AND block * 1024 + 1024 > $3)::int AS rolled`,
      [runKey, block.attempt, from, end, OLD, block.metric],
    );
    const isKept =
      spikes.some(({ step }) => from <= Number(step) + 500 && end > Number(step) - 500) ||
      run.resumeSteps.some((step) => step > 0 && from <= step && end >= step);
    const { young, hot, rolled } = rows[0]!;
    const shouldGo =
      young === 0 && hot === 0 && !isKept && rolled === Math.max(1, block.span / 1024);
    expect([JSON.stringify(block), after.has(JSON.stringify(block))]).toEqual([
      JSON.stringify(block),
      !shouldGo,
    ]);
  }
}

const MOST_MS = 240_000;

it(
  'says of each step what is left of it, whatever went and whatever comes afterwards',
  { timeout: MOST_MS },
  async () => {
    let gone = 0;
    await fc.assert(
      fc.asyncProperty(
        anyLongRun,
        fc.array(anyAge, { minLength: 6, maxLength: 6 }),
        fc.array(anyWindow, { minLength: 4, maxLength: 4 }),
        async (run, ages, windows) => {
          const id = `retained-${++runNumber}`;
          const runKey = await createLongRun(database.db, id, run);
          const attempts = attemptsOf(run);
          const posted: LongPost[] = [];
          const check = async (): Promise<void> => {
            const steps = stepsOf(run.layerCount, posted);
            for (const window of windows) await checkWindow(id, runKey, run, steps, window);
          };
          await withClient(database.url, async (client) => {
            for (const [index, portion] of run.portions.entries()) {
              await writePosts(database.writer, runKey, portion);
              posted.push(...portion);
              await check();
              await compactAll(client, runKey, attempts);
              await setAges(runKey, ages[index]!);
              const before = await blocksOf(runKey);
              const dry = await retain(client, runKey, { isDryRun: true });
              expect(await blocksOf(runKey)).toEqual(before);
              const released = await retain(client, runKey);
              expect(totalsOf(released)).toEqual(totalsOf(dry));
              gone += released.length;
              await expectWent(runKey, before, run);
              expect(await retain(client, runKey)).toEqual([]);
              await check();
            }
            await database.db.prisma.run.update({
              where: { runKey },
              data: { status: 'finished' },
            });
            await compactAll(client, runKey, attempts);
            await retain(client, runKey);
            await check();
          });
        },
      ),
      { numRuns: 14, seed: 20_260_107, endOnFailure: true },
    );
    // Not a test of runs of which nothing ever went.
    expect(gone).toBeGreaterThan(10);
  },
);
