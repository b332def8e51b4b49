import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Frame } from '@/lib/contract/frame';
import { createRun } from '@/lib/store/runs/create-run';
import { finishRun } from '@/lib/store/runs/runs';
import { upsertSpikes } from '@/lib/store/findings/save-spikes';
import { aRun } from '@/tests/builders/run';
import { aSpike } from '@/tests/builders/spike';
import { useDatabase } from '@/tests/database';
import { anyCell, type Cell, toColumn } from './brute-rollup';
import { compactAll, withClient } from './compactor';
import { copyRun, runUntilCrash, summaryOf } from './cut-off';
import { expectRoundedIs, readRounding, receive, roundAll } from './rounder';
import { type Post, readStored } from './stored-attempt';

const database = useDatabase();
const LONG_AGO = new Date('2026-01-01T00:00:00Z');
const CUT = new Date('2026-02-01T00:00:00Z');
const LAYERS = 3;
const nothing = (): boolean => false;

interface TestRun {
  readonly id: string;
  readonly runKey: string;
  readonly posts: Post[];
}

async function aStoredRun(): Promise<TestRun> {
  const id = randomUUID();
  const { runKey } = await createRun(database.db, aRun({ id, layerCount: LAYERS }));
  return { id, runKey, posts: [] };
}

function frameOf(step: number, cells: readonly Cell[]): Frame {
  return {
    step,
    wallTime: null,
    scalars: new Map([['loss', 1]]),
    layerCount: cells.length,
    layerMetrics: new Map([['m', toColumn(cells)]]),
    histograms: new Map(),
    samples: null,
  };
}

/** Numbers that need every digit, of both signs, and a layer with all that is not rounded. */
const cellsOf = (step: number): Cell[] => [
  1 + Math.sin(step) / 3,
  -Math.cos(step * 7) * 1e-8,
  [step / 7, 0, -0, Infinity, -Infinity][step % 5]!,
];

async function post(
  run: TestRun,
  steps: readonly number[],
  cells: (step: number) => readonly Cell[] = cellsOf,
): Promise<void> {
  const posts = steps.map((step) => ({
    attempt: 1,
    layerOffset: 0,
    frame: frameOf(step, cells(step)),
  }));
  const outcomes = await database.writer.write(
    posts.map((posted) => ({ runKey: run.runKey, ...posted })),
  );
  expect(outcomes.filter((outcome) => outcome !== 'stored')).toEqual([]);
  run.posts.push(...posts);
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

const compact = ({ runKey }: TestRun) =>
  withClient(database.url, (client) => compactAll(client, runKey));
const round = ({ runKey }: TestRun, before = CUT) =>
  withClient(database.url, (client) => roundAll(client, runKey, before));
const state = ({ runKey }: TestRun) => readRounding(database.db, runKey);
const check = (run: TestRun, isExact: (step: number) => boolean = nothing) =>
  expectRoundedIs(database.db, run.runKey, LAYERS, run.posts, isExact);
const cellsStored = async ({ runKey }: TestRun) => (await readStored(database.db, runKey, 1)).cells;

async function saveSpike({ runKey }: TestRun, onsetStep: number): Promise<void> {
  const client = await database.db.pool.connect();
  const spike = aSpike({
    id: `1-loss_spike-${onsetStep}`,
    onsetStep,
    riseStep: onsetStep,
    confirmedStep: onsetStep + 2,
    peakStep: onsetStep + 1,
  });
  await upsertSpikes(client, runKey, [{ spike, isInherited: false }]);
  client.release();
}

describe('roundAttempt', () => {
  it('rounds blocks of old steps and the rows above them, and leaves what is newer', async () => {
    const run = await aStoredRun();
    await post(run, range(0, 3000));
    await compact(run);
    expect(await round(run)).toEqual([{ hasMore: false, blocks: 0, rollups: 0 }]);
    await receive(database.db, run.runKey, LONG_AGO, 2200);
    await round(run);
    const { roundedTo, roundedEnd, blocks, rollups } = await state(run);
    expect([roundedTo, roundedEnd]).toEqual([2176, 2176]);
    expect(blocks.filter((name) => name.endsWith('/2')).length).toBe(2176 / 64);
    expect(blocks.at(34)).toBe('2176/1');
    expect(rollups).toEqual(['0/0/2', '0/1/2']);
    await check(run, (step) => step >= 2176);
    // Again: nothing to do, and nothing changes.
    expect(await round(run)).toEqual([{ hasMore: false, blocks: 0, rollups: 0 }]);
  });

  it('rounds all of a run that has ended long ago, up to its highest row', async () => {
    const run = await aStoredRun();
    await post(run, range(0, 1500));
    await finishRun(database.db, run.id, 'finished', LONG_AGO);
    await compact(run);
    await receive(database.db, run.runKey, LONG_AGO);
    await round(run);
    const { roundedTo, blocks, rollups } = await state(run);
    expect(roundedTo).toBe(65_536);
    expect(blocks.every((name) => name.endsWith('/2'))).toBe(true);
    // A row of two buckets has nothing to save.
    expect(rollups).toEqual(['0/0/2', '0/1/2', '1/0/2', '2/0/2', '3/0/0']);
    await check(run);
  });

  it('steps over stretches without steps, however long', async () => {
    const run = await aStoredRun();
    await post(run, [...range(0, 200), ...range(1_000_000, 1_000_400)]);
    await finishRun(database.db, run.id, 'finished', LONG_AGO);
    await compact(run);
    await receive(database.db, run.runKey, LONG_AGO);
    expect((await round(run)).length).toBeLessThan(6);
    const { blocks } = await state(run);
    // Eight steps are not worth packing.
    expect(blocks.filter((name) => !name.endsWith('/2'))).toEqual(['192/0']);
    await check(run);
  });

  it('leaves blocks within 500 steps of a spike as they are, and every row above it', async () => {
    const run = await aStoredRun();
    await post(run, range(0, 4200));
    await saveSpike(run, 2000);
    await compact(run);
    await receive(database.db, run.runKey, LONG_AGO);
    await round(run);
    const { blocks, rollups } = await state(run);
    const exact = blocks.filter((name) => name.endsWith('/1')).map((name) => parseInt(name));
    expect([exact[0], exact.at(-1)]).toEqual([1472, 2496]);
    expect(exact.length).toBe((2560 - 1472) / 64);
    expect(rollups).toEqual(['0/0/2', '0/1/0', '0/2/0', '0/3/2', '1/0/0']);
    await check(run, (step) => step >= 1472 && step < 2560);
  });

  it('keeps NaN, missing, infinite, zero and subnormal values to the bit', async () => {
    const run = await aStoredRun();
    const odd: Cell[] = [NaN, null, Infinity, -Infinity, 0, -0, 1e-42, -1e-45];
    await post(run, range(0, 300), (step) => [
      step % 9 === 0 ? odd[(step / 9) % odd.length]! : 1 / (step + 3),
      odd[step % 8]!,
      null,
    ]);
    await finishRun(database.db, run.id, 'finished', LONG_AGO);
    await compact(run);
    const before = await cellsStored(run);
    await receive(database.db, run.runKey, LONG_AGO);
    await round(run);
    await check(run);
    const after = await cellsStored(run);
    const isOdd = (cell: string): boolean => cell.split('/')[2] === '1';
    expect(after.filter(isOdd)).toEqual(before.filter(isOdd));
  });

  it('takes late steps exactly, rounds them once they are old, and what was rounded not again', async () => {
    const run = await aStoredRun();
    const late = [70, 1500];
    await post(
      run,
      range(0, 2300).filter((step) => !late.includes(step)),
    );
    await compact(run);
    await receive(database.db, run.runKey, LONG_AGO);
    await round(run);
    const rounded = await cellsStored(run);

    await post(run, late);
    await compact(run);
    const isLate = (cell: string): boolean => late.includes(Number(cell.split('/')[1]));
    expect((await cellsStored(run)).filter((cell) => !isLate(cell))).toEqual(rounded);
    await check(run, (step) => late.includes(step));
    expect(await state(run)).toMatchObject({ roundedTo: 64, roundedEnd: 2176 });
    // They came a moment ago.
    await round(run);
    await check(run, (step) => late.includes(step));
    expect((await state(run)).blocks[1]).toBe('64/1');

    await receive(database.db, run.runKey, LONG_AGO);
    await round(run);
    const { roundedTo, blocks, rollups } = await state(run);
    expect(roundedTo).toBe(2176);
    expect(blocks.slice(0, 34).every((name) => name.endsWith('/2'))).toBe(true);
    // Made of rounded values: their means are not rounded again.
    expect(rollups).toEqual(['0/0/1', '0/1/1']);
    expect((await cellsStored(run)).filter((cell) => !isLate(cell))).toEqual(rounded);
    await check(run);
  });

  it('cut off at any query goes on to the same state', async () => {
    const run = await aStoredRun();
    await post(run, range(0, 1400));
    await saveSpike(run, 700);
    await finishRun(database.db, run.id, 'finished', LONG_AGO);
    await compact(run);
    await receive(database.db, run.runKey, LONG_AGO);
    const before = summaryOf(await readStored(database.db, run.runKey, 1));

    const whole = await copyRun(database.db, run.runKey);
    const roundIt = (runKey: string) =>
      withClient(database.url, (client) => roundAll(client, runKey, CUT));
    let queries = 0;
    await runUntilCrash(
      database.url,
      Infinity,
      (client) => roundAll(client, whole, CUT),
      (number) => {
        queries = number;
      },
    );
    const expected = summaryOf(await readStored(database.db, whole, 1));
    expect(expected).not.toBe(before);
    expect(queries).toBeGreaterThan(10);
    for (let n = 1; n <= queries; n++) {
      const copy = await copyRun(database.db, run.runKey);
      const crash = await runUntilCrash(database.url, n, (client) => roundAll(client, copy, CUT));
      expect(crash).toBe(true);
      await roundIt(copy);
      if (summaryOf(await readStored(database.db, copy, 1)) !== expected) {
        throw new Error(`cut off at query ${n}, it came to another state`);
      }
    }
  }, 120_000);

  it('keeps every value within a thousandth, whatever comes when', async () => {
    const anyPost = fc.record({
      first: fc.nat({ max: 2600 }),
      count: fc.integer({ min: 1, max: 900 }),
      stride: fc.constantFrom(1, 1, 1, 7, 40),
      cells: fc.array(anyCell, { minLength: 7, maxLength: 7 }),
    });
    const anyAct = fc.oneof(
      { weight: 4, arbitrary: anyPost },
      { weight: 2, arbitrary: fc.constant('compact' as const) },
      { weight: 2, arbitrary: fc.record({ oldBelow: fc.nat({ max: 5000 }) }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyAct, { minLength: 3, maxLength: 12 }),
        fc.array(fc.nat({ max: 5000 }), { maxLength: 2 }),
        async (acts, spikes) => {
          const run = await aStoredRun();
          for (const step of spikes) await saveSpike(run, step);
          const isBeside = (step: number): boolean =>
            spikes.some((onset) => step >= onset - 500 && step <= onset + 502);
          const known = new Set<number>();
          const checkAll = async () => {
            const { roundedEnd } = await state(run);
            await check(run, (step) => step >= roundedEnd || isBeside(step));
          };
          for (const act of acts) {
            if (act === 'compact') await compact(run);
            else if ('oldBelow' in act) {
              await receive(database.db, run.runKey, LONG_AGO, act.oldBelow);
              await compact(run);
              await round(run);
            } else {
              const steps = range(0, act.count)
                .map((index) => act.first + index * act.stride)
                .filter((step) => !known.has(step));
              for (const step of steps) known.add(step);
              await post(run, steps, (step) =>
                range(0, LAYERS).map((layer) => act.cells[(step + layer) % act.cells.length]!),
              );
            }
            await checkAll();
          }
          await finishRun(database.db, run.id, 'finished', LONG_AGO);
          await compact(run);
          await receive(database.db, run.runKey, LONG_AGO);
          await round(run);
          await check(run, isBeside);
          const before = await cellsStored(run);
          await database.db.pool.query(
            'UPDATE compaction_state SET rounded_to = 0 WHERE run = $1',
            [run.runKey],
          );
          await round(run);
          expect(await cellsStored(run)).toEqual(before);
        },
      ),
      { numRuns: 15, seed: 20_260_108, endOnFailure: true },
    );
  }, 300_000);
});
