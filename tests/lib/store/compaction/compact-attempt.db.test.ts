import { describe, expect, it } from 'vitest';
import type { Frame } from '@/lib/contract/frame';
import { createRun } from '@/lib/store/runs/create-run';
import { deleteRun, finishRun } from '@/lib/store/runs/runs';
import { storeOverlapping } from '@/tests/builders/overlapping-posts';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';
import { toColumn, type Cell } from './brute-rollup';
import { compactAll, withClient } from './compactor';
import { expectStoredIs, readStored, type Post } from './stored-attempt';

const database = useDatabase();
const NOW = new Date('2026-01-01T00:00:00Z');
const LAYERS = 3;
let runNumber = 0;

interface TestRun {
  readonly id: string;
  readonly runKey: string;
  readonly posts: Post[];
}

async function aStoredRun(layerCount = LAYERS): Promise<TestRun> {
  const id = `compacted-${++runNumber}`;
  const { runKey } = await createRun(database.db, aRun({ id, layerCount }));
  return { id, runKey, posts: [] };
}

function aFrame(
  step: number,
  metrics: Readonly<Record<string, readonly Cell[]>>,
  scalars: Readonly<Record<string, number>> = { loss: step / 7, custom: -step },
): Frame {
  const layerMetrics = new Map(
    Object.entries(metrics).map(([name, cells]) => [name, toColumn(cells)]),
  );
  return {
    step,
    wallTime: step * 2,
    scalars: new Map(Object.entries(scalars)),
    layerCount: Object.values(metrics)[0]?.length ?? LAYERS,
    layerMetrics,
    histograms: new Map(),
    samples: null,
  };
}

const cells = (step: number): Cell[] => [step, -step, step % 5 === 0 ? NaN : step * step];

async function post(
  run: TestRun,
  frames: readonly Frame[],
  over: Partial<Post> = {},
): Promise<void> {
  const posts = frames.map((frame) => ({ attempt: 1, layerOffset: 0, frame, ...over }));
  const outcomes = await database.writer.write(
    posts.map((posted) => ({ runKey: run.runKey, ...posted })),
  );
  expect(new Set(outcomes)).toEqual(new Set(['stored']));
  run.posts.push(...posts);
}

const range = (from: number, to: number, stride = 1): number[] =>
  Array.from({ length: Math.ceil((to - from) / stride) }, (_, index) => from + index * stride);

const compact = (run: TestRun, attempts?: readonly number[]) =>
  withClient(database.url, (client) => compactAll(client, run.runKey, attempts));

const stored = (run: TestRun, attempt = 1) => readStored(database.db, run.runKey, attempt);
const check = (run: TestRun, layerCount = LAYERS) =>
  expectStoredIs(database.db, run.runKey, layerCount, run.posts);

describe('compactAttempt', () => {
  it('leaves what is not sealed hot, and moves what is', async () => {
    const run = await aStoredRun();
    await post(
      run,
      range(0, 127).map((step) => aFrame(step, { a: cells(step) })),
    );
    await compact(run);
    expect((await stored(run)).blocksTo).toBe(0);
    await post(run, [aFrame(128, { a: cells(128) })]);
    await compact(run);
    const { blocksTo, blocks, hot } = await stored(run);
    expect([blocksTo, blocks.length, hot.length]).toEqual([64, 1, 64]);
    expect(blocks[0]!.offsets.length).toBe(64);
    await check(run);
  });

  it('writes rollups of level 0 at 1,024 steps and of level 1 at 4,096', async () => {
    const run = await aStoredRun();
    for (let step = 0; step < 4600; step += 200) {
      const frames = range(step, step + 200).map((at) =>
        aFrame(at, { a: cells(at), b: [1, 2, null] }),
      );
      await post(run, frames);
      if (step % 1000 === 0) await compact(run);
    }
    await compact(run);
    const { rollups, scalars, rolledTo } = await stored(run);
    expect(rolledTo).toEqual([4096, 4096]);
    expect([rollups.length, scalars.length]).toEqual([2 * 5, 5]);
    await check(run);
  });

  it('compacts the whole of a run that has ended, up to the level of one bucket', async () => {
    const run = await aStoredRun();
    await post(
      run,
      range(0, 1500).map((step) => aFrame(step, { a: cells(step) })),
    );
    await finishRun(database.db, run.id, 'finished', NOW);
    await compact(run);
    const { hot, rolledTo, rollups } = await stored(run);
    expect(hot).toEqual([]);
    expect(rolledTo).toEqual([65_536, 65_536, 65_536, 65_536]);
    expect(rollups.map(({ level, block }) => [level, block])).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
      [2, 0],
      [3, 0],
    ]);
    await check(run);
    // Again: nothing to do, nothing changes.
    const units = await compact(run);
    expect(units).toEqual([expect.objectContaining({ hotRows: 0, blocks: 0, rollups: 0 })]);
  });

  it('takes a newer attempt as the end of the one before', async () => {
    const run = await aStoredRun();
    await post(
      run,
      range(0, 70).map((step) => aFrame(step, { a: cells(step) })),
    );
    await compact(run);
    expect((await stored(run)).hot.length).toBe(70);
    await createRun(database.db, aRun({ id: run.id, resumeFromStep: 40 }));
    await post(
      run,
      range(40, 90).map((step) => aFrame(step, { a: [7, 8, 9] })),
      { attempt: 2 },
    );
    await compact(run, [1, 2]);
    expect((await stored(run, 1)).hot).toEqual([]);
    expect((await stored(run, 2)).hot.length).toBe(50);
    await check(run);
  });

  it('joins shards, whichever comes first, in a block or after it', async () => {
    const run = await aStoredRun(4);
    const shard = (step: number, layer: number): Frame =>
      aFrame(
        step,
        { a: [step + layer, layer === 0 ? null : step] },
        layer === 0 ? { loss: step } : {},
      );
    await post(
      run,
      range(0, 200).map((step) => shard(step, 2)),
      { layerOffset: 2 },
    );
    await post(
      run,
      range(0, 60).map((step) => shard(step, 0)),
    );
    await compact(run);
    expect((await stored(run)).blocksTo).toBe(128);
    await check(run, 4);
    await post(
      run,
      range(60, 200).map((step) => shard(step, 0)),
    );
    await compact(run);
    expect((await stored(run)).hot.every(({ step }) => step >= 128)).toBe(true);
    await check(run, 4);
  });

  it('keeps the cell that was in the block, then that of the lower shard', async () => {
    const run = await aStoredRun(3);
    await post(
      run,
      range(0, 200).map((step) => aFrame(step, { a: [1, null] }, {})),
      { layerOffset: 1 },
    );
    await compact(run);
    const late = [aFrame(5, { a: [7, 8, 9] }, {})];
    await storeOverlapping(database, [
      { runKey: run.runKey, attempt: 1, layerOffset: 0, frame: late[0]! },
    ]);
    await compact(run);
    const block = (await stored(run)).blocks.find(({ firstStep }) => firstStep === 0)!;
    const column = block.offsets.indexOf(5);
    const layers = [0, 1, 2].map((layer) => block.values[layer * block.offsets.length + column]);
    expect(layers).toEqual([7, 1, 9]);
  });

  it('puts a late step into its block and into every rollup above', async () => {
    const run = await aStoredRun();
    const late = [3, 700, 1023, 2500];
    const steps = range(0, 4500).filter((step) => !late.includes(step));
    await post(
      run,
      steps.map((step) => aFrame(step, { a: cells(step), b: [1, 1, 1] })),
    );
    await compact(run);
    for (const step of late) await post(run, [aFrame(step, { a: [1e6, -1e6, Infinity] })]);
    await check(run);
    await compact(run);
    expect((await stored(run)).hot.every(({ step }) => step >= 4416)).toBe(true);
    await check(run);
  });

  it('takes steps in descending order', async () => {
    const run = await aStoredRun();
    for (let step = 2900; step >= 0; step -= 100) {
      await post(
        run,
        range(step, step + 100).map((at) => aFrame(at, { a: cells(at) })),
      );
      await compact(run);
    }
    await check(run);
    expect((await stored(run)).hot.every(({ step }) => step >= 2816)).toBe(true);
  });

  it('brings a scalar that came late into the rollups', async () => {
    const run = await aStoredRun();
    await post(
      run,
      range(0, 1200).map((step) => aFrame(step, { a: cells(step) }, {})),
    );
    await compact(run);
    // A shard without layers of its own: the other one's scalars were none.
    const late = { ...aFrame(77, {}, { loss: 1e9, late: 4 }), layerCount: 0 };
    await post(run, [late], { layerOffset: 1 });
    await compact(run);
    const [row] = (await stored(run)).scalars;
    expect([...row!.rollup.maximum]).toContain(1e9);
    await check(run);
  });

  it('compacts a run of scalars alone', async () => {
    const run = await aStoredRun();
    await post(
      run,
      range(0, 1300).map((step) => aFrame(step, {})),
    );
    await compact(run);
    const { hot, blocks, scalars } = await stored(run);
    expect([hot.length, blocks.length, scalars.length]).toEqual([1300 - 1216, 0, 1]);
    await check(run);
  });

  it.each([
    [1, 64],
    [10, 256],
    [100, 4096],
    [1000, 16_384],
  ])('makes blocks of a cadence of %i steps over %i steps', async (cadence, span) => {
    const run = await aStoredRun();
    const end = 5 * span + 1;
    for (let step = 0; step < end; step += 4000) {
      const frames = range(step, Math.min(end, step + 4000), cadence === 1 ? 1 : 5).map((at) =>
        aFrame(at, at % cadence === 0 ? { a: cells(at) } : {}),
      );
      await post(run, frames);
    }
    await compact(run);
    const { blocks } = await stored(run);
    expect(new Set(blocks.map((block) => block.span))).toEqual(new Set([span]));
    expect(blocks.length).toBe(4);
    await check(run);
  });

  it('does not make one block of a sparse start and thousands of steps after it', async () => {
    const run = await aStoredRun();
    await post(
      run,
      [0, ...range(700, 1800)].map((step) => aFrame(step, { a: cells(step) })),
    );
    await compact(run);
    const { blocks, blocksTo } = await stored(run);
    expect(blocksTo).toBe(1728);
    expect(Math.max(...blocks.map(({ offsets }) => offsets.length))).toBeLessThanOrEqual(256);
    await check(run);
  });

  it('begins where an attempt begins, however far on', async () => {
    const run = await aStoredRun();
    await post(
      run,
      range(1_000_000, 1_001_300).map((step) => aFrame(step, { a: cells(step) })),
    );
    const units = await compact(run);
    expect(units.length).toBeLessThan(30);
    await check(run);
  });

  it('goes on when a run that had ended is resumed at its old attempt', async () => {
    const run = await aStoredRun();
    await post(
      run,
      range(0, 100).map((step) => aFrame(step, { a: cells(step) })),
    );
    await finishRun(database.db, run.id, 'finished', NOW);
    await compact(run);
    await database.db.prisma.run.update({
      where: { runKey: run.runKey },
      data: { status: 'running' },
    });
    await post(
      run,
      range(100, 2000).map((step) => aFrame(step, { a: cells(step) })),
    );
    await compact(run);
    await check(run);
  });

  it('writes nothing of a run that is being deleted', async () => {
    const run = await aStoredRun();
    await post(
      run,
      range(0, 300).map((step) => aFrame(step, { a: cells(step) })),
    );
    await database.db.prisma.run.update({
      where: { runKey: run.runKey },
      data: { status: 'deleting' },
    });
    expect(await compact(run)).toMatchObject([{ isGone: true, hasMore: false }]);
    expect((await stored(run)).blocks).toEqual([]);
    await deleteRun(database.db, run.id);
    expect(await compact(run)).toMatchObject([{ isGone: true }]);
  });
});
