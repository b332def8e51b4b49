/** Every read of compacted, half compacted and hot runs against every posted value. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeHeatmapColumns } from '@/lib/contract/heatmap-columns';
import type { Bucket } from '@/lib/contract/reads';
import { readHeatmap } from '@/lib/query/read-heatmap';
import { readSeries } from '@/lib/query/read-series';
import { readTimeline } from '@/lib/query/read-timeline';
import { createRun } from '@/lib/store/runs/create-run';
import { storeOverlapping } from '@/tests/builders/overlapping-posts';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';
import { type Cell, toColumn } from '@/tests/lib/store/compaction/brute-rollup';
import { compactAll, withClient } from '@/tests/lib/store/compaction/compactor';
import { Faults } from './faults';
import { anyLongRun, type LongPost, type LongRun, type LongStep, stepsOf } from './long-runs';
import { anyReadWindow, selectSteps, stepsQueryOf } from './read-windows';
import { attemptsOf, createLongRun, writePosts } from './stored-long-run';
import { METRIC, reduceCells } from './stored-runs';

const database = useDatabase();
let runNumber = 0;

/** As it comes back from an earlier reply: whatever is not written shows. */
const USED_MEMORY = { take: (byteLength: number) => new Uint8Array(byteLength).fill(0x41) };

const SERIES = ['loss', 'custom', 'of_second_shard', 'wall_time'] as const;

const anyWindow = anyReadWindow(
  fc.oneof(
    fc.integer({ min: 1, max: 8 }),
    fc.integer({ min: 9, max: 300 }),
    fc.constantFrom(1000, 3000),
  ),
  ['max', 'min', 'mean', 'extremes'],
);
type Window = typeof anyWindow extends fc.Arbitrary<infer T> ? T : never;

/** The steps that a reply's columns say they hold; every step in exactly one of them. */
function groupByColumns(
  steps: readonly LongStep[],
  columns: readonly { readonly fromStep: number; readonly toStep: number }[],
  limit: number,
  faults: Faults,
): LongStep[][] {
  const distinct = new Set(steps.map(({ step }) => step)).size;
  expect(columns.length).toBeLessThanOrEqual(limit);
  if (distinct <= limit) expect(columns).toHaveLength(distinct);
  let position = 0;
  const groups = columns.map(({ fromStep, toStep }) => {
    const start = position;
    while ((steps[position]?.step ?? Infinity) <= toStep) position++;
    const group = steps.slice(start, position);
    faults.same(group[0]?.step, fromStep, 'first step');
    faults.same(group.at(-1)?.step, toStep, 'last step');
    return group;
  });
  expect(position).toBe(steps.length);
  return groups;
}

/** Reads through `window` what must be there, and returns what may not change while it is compacted. */
async function checkWindow(id: string, run: LongRun, all: readonly LongStep[], window: Window) {
  const { db } = database;
  const faults = new Faults();
  const { limit, reduce } = window;
  const layer = window.layer % run.layerCount;
  const query = stepsQueryOf(window);
  const steps = selectSteps(all, run, window);
  const isKnown = (name: string) => name === 'wall_time' || all.some((it) => it.scalars.has(name));

  const timeline = await readTimeline(db, id, { ...query, series: [...SERIES], points: limit });
  for (const { name, points } of timeline.series) {
    const groups = isKnown(name) ? groupByColumns(steps, points, limit, faults) : [];
    expect(points).toHaveLength(groups.length);
    groups.forEach((group, index) => {
      const cells = group.map((it) => it.scalars.get(name) ?? null);
      faults.point(points[index], cells, `${name} ${index}`);
    });
  }

  const { points } = await readSeries(db, id, layer, { ...query, metric: METRIC, points: limit });
  const hasMetric = all.some(({ hasLayers }) => hasLayers);
  const groups = hasMetric ? groupByColumns(steps, points, limit, faults) : [];
  expect(points).toHaveLength(groups.length);
  groups.forEach((group, index) => {
    const cells = group.map((it) => it.cells[layer]!);
    faults.point(points[index], cells, `series ${index}`);
  });

  const heatmapQuery = { ...query, metric: METRIC, columns: limit, reduce };
  const { body, memory, ...columns } = await readHeatmap(db, id, heatmapQuery, USED_MEMORY);
  expect(memory === null || memory.buffer === columns.values.buffer).toBe(true);
  expect(Buffer.compare(body, encodeHeatmapColumns(columns))).toBe(0);
  const extents = Array.from(columns.fromStep, (from, column) => ({
    fromStep: from,
    toStep: columns.toStep[column]!,
  }));
  groupByColumns(steps, extents, limit, faults).forEach((group, column) => {
    const loss = reduceCells(group.map((it) => it.scalars.get('loss') ?? null)).max;
    faults.same(columns.loss[column], loss === null ? null : Math.fround(loss), `loss ${column}`);
    // The newest attempt's, where several are shown.
    const rates = group
      .filter((it) => it.scalars.has('learning_rate'))
      .sort((a, b) => a.attempt - b.attempt || a.step - b.step);
    const rate = rates.at(-1)?.scalars.get('learning_rate') ?? null;
    faults.same(columns.scalars.get('learning_rate')?.[column], rate, `learning rate ${column}`);
    for (let row = 0; row < run.layerCount; row++) {
      const expected = reduceCells(group.map((it) => it.cells[row]!));
      const cell = row * extents.length + column;
      const what = `${reduce} ${row}, ${column}`;
      faults.same(columns.nonFinite[cell], expected.nonFiniteCount, `${what} non-finite`);
      if (reduce === 'mean') faults.mean(columns.values[cell], expected, what);
      else if (reduce !== 'extremes') faults.same(columns.values[cell], expected[reduce], what);
      else {
        faults.same(columns.values[cell], expected.max, what);
        faults.same(columns.minima?.[cell], expected.min, what);
      }
    }
  });
  faults.expectNone();
  const withoutMeans = (buckets: readonly Bucket[]) =>
    JSON.stringify(buckets, (key, value: unknown) => (key === 'mean' ? 0 : value));
  return [
    ...timeline.series.map((it) => withoutMeans(it.points)),
    withoutMeans(points),
    reduce === 'mean' ? JSON.stringify(extents) : Buffer.from(body).toString('base64'),
  ];
}

const compact = (runKey: string, attempts: readonly number[]) =>
  withClient(database.url, (client) => compactAll(client, runKey, attempts));

/** Ten seconds on a machine of its own. */
const TIMEOUT_MS = 180_000;

it(
  'says what was posted, whatever was posted, when and how far it is compacted',
  { timeout: TIMEOUT_MS },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        anyLongRun,
        fc.array(anyWindow, { minLength: 4, maxLength: 4 }),
        async (run, windows) => {
          const id = `long-${++runNumber}`;
          const runKey = await createLongRun(database.db, id, run);
          const posted: LongPost[] = [];
          const check = async () => {
            const steps = stepsOf(run.layerCount, posted);
            const seen = [];
            for (const window of windows) seen.push(await checkWindow(id, run, steps, window));
            return seen;
          };
          for (const portion of run.portions) {
            await writePosts(database.writer, runKey, portion);
            posted.push(...portion);
            const before = await check();
            await compact(runKey, attemptsOf(run));
            expect(await check()).toEqual(before);
          }
          await database.db.prisma.run.update({ where: { runKey }, data: { status: 'finished' } });
          await compact(runKey, attemptsOf(run));
          await check();
        },
      ),
      { numRuns: 14, seed: 20_260_105, endOnFailure: true },
    );
  },
);

it('shows a highest and a lowest step of each of 100 layers at every zoom, the same at every reload', async () => {
  const { db } = database;
  const layerCount = 100;
  const stepCount = 5000;
  const { runKey } = await createRun(db, aRun({ id: 'extremes', layerCount }));
  const spikeStep = (layer: number) => (layer * 3571 + 13) % stepCount;
  const dipStep = (layer: number) => (layer * 3571 + 13 + 1237) % stepCount;
  const frames = Array.from({ length: stepCount }, (_, step) =>
    aFrame(step, {
      loss: step === 2222 ? 99 : step === 3333 ? -99 : 1,
      layers: {
        [METRIC]: Array.from({ length: layerCount }, (__, layer) =>
          step === spikeStep(layer)
            ? 1e6 + layer
            : step === dipStep(layer)
              ? -1e6 - layer
              : Math.fround(Math.sin(step)),
        ),
      },
    }),
  );
  const toPost = (frame: (typeof frames)[number]) => ({
    runKey,
    attempt: 1,
    layerOffset: 0,
    frame,
  });
  const isLate = (step: number) => step % 700 === 13;
  await database.writer.write(frames.filter(({ step }) => !isLate(step)).map(toPost));
  await compact(runKey, [1]);
  await database.writer.write(frames.filter(({ step }) => isLate(step)).map(toPost));

  const zooms = [1, 2, 3, 10, 77, 300, 1000, 4999, 5000, 8192];
  const readAll = async () => {
    const replies: string[] = [];
    for (const columns of zooms) {
      const query = {
        attempt: 'effective' as const,
        metric: METRIC,
        columns,
        reduce: 'extremes' as const,
      };
      const heatmap = await readHeatmap(db, 'extremes', query);
      const missing: number[] = [];
      for (let layer = 0; layer < layerCount; layer++) {
        for (const [cells, value, step] of [
          [heatmap.values, 1e6 + layer, spikeStep(layer)],
          [heatmap.minima!, -1e6 - layer, dipStep(layer)],
        ] as const) {
          const start = layer * heatmap.columnCount;
          const column = cells.subarray(start, start + heatmap.columnCount).indexOf(value);
          const isThere =
            column >= 0 && heatmap.fromStep[column]! <= step && heatmap.toStep[column]! >= step;
          if (!isThere) missing.push(layer);
        }
      }
      expect(missing).toEqual([]);
      const layer = columns % layerCount;
      const series = await readSeries(db, 'extremes', layer, { ...query, points: columns });
      expect(series.points.filter(({ max }) => max === 1e6 + layer)).toHaveLength(1);
      expect(series.points.filter(({ min }) => min === -1e6 - layer)).toHaveLength(1);
      const timeline = await readTimeline(db, 'extremes', {
        ...query,
        series: ['loss'],
        points: columns,
      });
      const [loss] = timeline.series;
      expect(loss!.points.filter(({ max }) => max === 99)).toHaveLength(1);
      expect(loss!.points.filter(({ min }) => min === -99)).toHaveLength(1);
      replies.push(Buffer.from(heatmap.body).toString('base64'));
    }
    return replies;
  };
  const first = await readAll();
  expect(await readAll()).toEqual(first);
  await compact(runKey, [1]);
  expect(await readAll()).toEqual(first);
});

it('lets what is in a block stand against a late post of the same layers, which fills its gaps', async () => {
  const { db } = database;
  const { runKey } = await createRun(db, aRun({ id: 'overlapping', layerCount: 3 }));
  const post = (step: number, layerOffset: number, cells: readonly Cell[]) => ({
    runKey,
    attempt: 1,
    layerOffset,
    frame: {
      ...aFrame(step, { loss: 1 }),
      layerCount: cells.length,
      layerMetrics: new Map([[METRIC, toColumn(cells)]]),
    },
  });
  const steps = Array.from({ length: 300 }, (_, step) => step);
  await database.writer.write(steps.map((step) => post(step, 0, [1, NaN, null])));
  await compact(runKey, [1]);
  await storeOverlapping(database, [post(100, 1, [50, 60]), post(101, 1, [70, Infinity])]);
  const read = async (columns: number, reduce: 'max' | 'min' | 'mean', range = {}) => {
    const query = { attempt: 'effective' as const, metric: METRIC, columns, reduce, ...range };
    const { values, nonFinite } = await readHeatmap(db, 'overlapping', query);
    const means = await readSeries(db, 'overlapping', 2, { ...query, points: columns });
    return { values: [...values], nonFinite: [...nonFinite], points: means.points };
  };
  const readAll = async () => [
    await read(1, 'max'),
    await read(1, 'min'),
    await read(1, 'mean'),
    await read(10, 'max', { fromStep: 100, toStep: 102 }),
  ];
  const late = await readAll();
  expect(late[0]).toMatchObject({ values: [1, NaN, 60], nonFinite: [0, 300, 1] });
  expect(late[2]!.points).toMatchObject([{ min: 60, max: 60, mean: 60, nonFiniteCount: 1 }]);
  expect(late[3]).toMatchObject({
    values: [1, 1, 1, NaN, NaN, NaN, 60, NaN, NaN],
    nonFinite: [0, 0, 0, 1, 1, 1, 0, 1, 0],
  });
  await compact(runKey, [1]);
  expect(await readAll()).toEqual(late);
});
