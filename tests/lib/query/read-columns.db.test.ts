import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bucket } from '@/lib/contract/reads';
import { readHeatmap } from '@/lib/query/read-heatmap';
import { readSeries } from '@/lib/query/read-series';
import { readTimeline } from '@/lib/query/read-timeline';
import { createRun } from '@/lib/store/runs/create-run';
import { storeOverlapping } from '@/tests/builders/overlapping-posts';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';
import {
  anyRun,
  framesOf,
  groupSteps,
  METRIC,
  type PostedRun,
  type PostedStep,
  reduceCells,
  type Cell,
  selectSteps,
} from './stored-runs';

const database = useDatabase();
let runNumber = 0;

async function store(run: PostedRun): Promise<string> {
  const { db, writer } = database;
  const id = `random-${++runNumber}`;
  const { layerCount, resumeSteps } = run;
  const { runKey } = await createRun(db, aRun({ id, layerCount }));
  for (const [index, resumeFromStep] of resumeSteps.entries()) {
    if (index === 0) continue;
    await db.prisma.attempt.create({
      data: {
        runKey,
        attempt: index + 1,
        resumeFromStep: BigInt(resumeFromStep),
        optimizer: { name: 'x' },
      },
    });
  }
  const frames = run.steps.flatMap((posted) =>
    framesOf(posted).map(({ layerOffset, frame }) => ({
      runKey,
      attempt: posted.attempt,
      layerOffset,
      frame,
    })),
  );
  const outcomes = await writer.write(frames);
  expect(outcomes.every((outcome) => outcome === 'stored')).toBe(true);
  return id;
}

const anyWindow = fc.record({
  selector: fc.constantFrom('effective', 'all', 1),
  range: fc.option(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 140 })), { freq: 2 }),
  limit: fc.integer({ min: 1, max: 50 }),
  reduce: fc.constantFrom('max', 'min', 'mean'),
  layer: fc.nat({ max: 4 }),
});

function expectBuckets(
  points: readonly Bucket[],
  groups: readonly PostedStep[][],
  cellOf: (posted: PostedStep) => Cell,
): void {
  expect(points).toHaveLength(groups.length);
  groups.forEach((group, index) => {
    const { min, max, mean, nonFiniteCount } = reduceCells(group.map(cellOf));
    const point = points[index]!;
    expect(point).toMatchObject({
      fromStep: group[0]!.step,
      toStep: group.at(-1)!.step,
      min,
      max,
      nonFiniteCount,
    });
    if (mean === null) expect(point.mean).toBeNull();
    // Sums of up to a few dozen values in another order.
    else
      expect(Math.abs(point.mean! - mean)).toBeLessThanOrEqual(
        1e-9 * (1 + Math.abs(max!) + Math.abs(min!)),
      );
  });
}

describe('timeline, series and heatmap', () => {
  it('are what the posted steps say, whatever was posted and asked', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyRun,
        fc.array(anyWindow, { minLength: 4, maxLength: 4 }),
        async (run, windows) => {
          const { db } = database;
          const id = await store(run);
          const isKnown = (read: (posted: PostedStep) => Cell) =>
            run.steps.some((posted) => read(posted) !== null);
          for (const { selector, range, limit, reduce, layer } of windows) {
            const [fromStep, toStep] = range ?? [];
            const window = {
              attempt: selector as 'effective' | 'all' | number,
              ...(fromStep === undefined ? {} : { fromStep }),
              ...(toStep === undefined ? {} : { toStep }),
            };
            const selected = selectSteps(run, window.attempt, fromStep, toStep);
            const groups = groupSteps(selected, limit);
            const index = layer % run.layerCount;

            const timeline = await readTimeline(db, id, {
              ...window,
              series: ['loss', 'custom'],
              points: limit,
            });
            const scalars = [(it: PostedStep) => it.loss, (it: PostedStep) => it.custom];
            scalars.forEach((read, position) => {
              const points = timeline.series[position]!.points;
              expectBuckets(points, isKnown(read) ? groups : [], read);
            });

            const series = await readSeries(db, id, index, {
              ...window,
              metric: METRIC,
              points: limit,
            });
            expectBuckets(series.points, groups, (posted) => posted.cells[index]!);

            const heatmap = await readHeatmap(db, id, {
              ...window,
              metric: METRIC,
              columns: limit,
              reduce,
            });
            expect(heatmap).toMatchObject({
              layerCount: run.layerCount,
              columnCount: groups.length,
            });
            expect([...heatmap.fromStep]).toEqual(groups.map((group) => group[0]!.step));
            expect([...heatmap.toStep]).toEqual(groups.map((group) => group.at(-1)!.step));
            groups.forEach((group, column) => {
              const loss = reduceCells(group.map((posted) => posted.loss)).max;
              expect(heatmap.loss[column]).toBe(loss === null ? NaN : Math.fround(loss));
              for (let row = 0; row < run.layerCount; row++) {
                const expected = reduceCells(group.map((posted) => posted.cells[row]!));
                const cell = row * groups.length + column;
                const value = expected[reduce as 'max'];
                expect(heatmap.nonFinite[cell]).toBe(expected.nonFiniteCount);
                if (value === null) expect(heatmap.values[cell]).toBeNaN();
                else if (reduce !== 'mean') expect(heatmap.values[cell]).toBe(Math.fround(value));
                else
                  expect(Math.abs(heatmap.values[cell]! - value)).toBeLessThanOrEqual(
                    1e-6 * (1 + Math.abs(expected.max!) + Math.abs(expected.min!)),
                  );
              }
            });
          }
        },
      ),
      { numRuns: 25, seed: 20_260_101 },
    );
  });

  it('keep one spike among thousands of steps at every zoom', async () => {
    const { db, writer } = database;
    const { runKey } = await createRun(db, aRun({ id: 'spike', layerCount: 2 }));
    const frames = Array.from({ length: 3000 }, (_, step) => ({
      runKey,
      attempt: 1,
      layerOffset: 0,
      frame: aFrame(step, {
        loss: step === 1777 ? 99 : 1,
        layers: { gradient_norm: [1, step === 1777 ? 1e9 : 1] },
      }),
    }));
    await writer.write(frames);
    for (const limit of [1, 2, 7, 100, 2999, 3000]) {
      const window = { attempt: 'effective' as const };
      const timeline = await readTimeline(db, 'spike', {
        ...window,
        series: ['loss'],
        points: limit,
      });
      const points = timeline.series[0]!.points;
      expect(points.length).toBeLessThanOrEqual(limit);
      const spiked = points.filter(({ max }) => max === 99);
      expect(spiked).toHaveLength(1);
      expect(spiked[0]!.fromStep).toBeLessThanOrEqual(1777);
      expect(spiked[0]!.toStep).toBeGreaterThanOrEqual(1777);
      const heatmap = await readHeatmap(db, 'spike', {
        ...window,
        metric: METRIC,
        columns: limit,
        reduce: 'max',
      });
      expect(heatmap.values.filter((value) => value === 1e9)).toHaveLength(1);
    }
  });

  it('merge shards that overlap: what was reported first in layer order stands, gaps are filled', async () => {
    const { db } = database;
    const { runKey } = await createRun(db, aRun({ id: 'overlap', layerCount: 4 }));
    const [low, high] = [
      framesOf({ attempt: 1, step: 1, loss: null, custom: null, cells: [1, 2, null], cuts: [] }),
      framesOf({ attempt: 1, step: 1, loss: null, custom: null, cells: [8, 9, 10], cuts: [] }),
    ];
    await storeOverlapping(database, [
      { runKey, attempt: 1, layerOffset: 1, frame: high[0]!.frame },
      { runKey, attempt: 1, layerOffset: 0, frame: low[0]!.frame },
    ]);
    const heatmap = await readHeatmap(db, 'overlap', {
      attempt: 'effective',
      metric: METRIC,
      columns: 10,
      reduce: 'max',
    });
    expect([...heatmap.values]).toEqual([1, 2, 9, 10]);
    const series = await readSeries(db, 'overlap', 2, {
      attempt: 'effective',
      metric: METRIC,
      points: 10,
    });
    expect(series.points).toMatchObject([{ min: 9, max: 9 }]);
  });

  it('have no columns before the first step and no values of a metric that nobody reported', async () => {
    const { db, writer } = database;
    const { runKey } = await createRun(db, aRun({ id: 'empty' }));
    const read = () =>
      readHeatmap(db, 'empty', { attempt: 'effective', metric: 'rms', columns: 10, reduce: 'max' });
    expect(await read()).toMatchObject({ layerCount: 3, columnCount: 0 });
    await writer.write([{ runKey, attempt: 1, layerOffset: 0, frame: aFrame(4, { loss: 2 }) }]);
    const heatmap = await read();
    expect([...heatmap.values]).toEqual([NaN, NaN, NaN]);
    expect([...heatmap.nonFinite]).toEqual([0, 0, 0]);
    expect([...heatmap.loss]).toEqual([2]);
    const series = await readSeries(db, 'empty', 0, {
      attempt: 'effective',
      metric: 'rms',
      points: 10,
    });
    expect(series).toMatchObject({ layer: { index: 0, name: 'layer.0' }, points: [] });
  });

  it('carry what a column says beside its layers', async () => {
    const { db, writer } = database;
    const { runKey } = await createRun(db, aRun({ id: 'strip' }));
    await writer.write(
      [0, 1, 2, 3].map((step) => ({
        runKey,
        attempt: 1,
        layerOffset: 0,
        frame: aFrame(step, {
          loss: 4 - step,
          wallTime: 100 + step,
          scalars: { learning_rate: step / 10, gradient_norm: step === 1 ? NaN : step },
        }),
      })),
    );
    const heatmap = await readHeatmap(db, 'strip', {
      attempt: 'effective',
      metric: METRIC,
      columns: 2,
      reduce: 'max',
    });
    expect([...heatmap.loss]).toEqual([4, 2]);
    expect(Object.fromEntries(heatmap.scalars)).toEqual({
      gradient_norm: Float64Array.of(0, 3),
      learning_rate: Float64Array.of(0.1, 0.3),
      wall_time: Float64Array.of(101, 103),
    });
  });

  it('say that a run, a layer or an attempt does not exist', async () => {
    const { db } = database;
    await createRun(db, aRun({ id: 'known' }));
    const window = { attempt: 'effective' as const, metric: METRIC, points: 5 };
    const timeline = { attempt: 9, series: ['loss'], points: 5 };
    await expect(readTimeline(db, 'unknown', timeline)).rejects.toMatchObject({
      code: 'run_not_found',
    });
    await expect(readTimeline(db, 'known', timeline)).rejects.toMatchObject({
      code: 'attempt_not_found',
    });
    await expect(readSeries(db, 'known', 3, window)).rejects.toMatchObject({
      code: 'layer_not_found',
      message: 'run known has no layer 3; its layers are 0 to 2',
    });
  });
});
