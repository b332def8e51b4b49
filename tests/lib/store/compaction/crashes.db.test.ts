import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Frame } from '@/lib/contract/frame';
import { createRun } from '@/lib/store/runs/create-run';
import { finishRun } from '@/lib/store/runs/runs';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';
import { anyCell, toColumn, type Cell } from './brute-rollup';
import { compactAll, withClient } from './compactor';
import { copyRun, runUntilCrash, summaryOf } from './cut-off';
import { expectStoredIs, readStored, type Post } from './stored-attempt';

const database = useDatabase();
const NOW = new Date('2026-01-01T00:00:00Z');
const LAYERS = 2;

function frameOf(step: number, cells: readonly Cell[] | null, loss: number | null): Frame {
  return {
    step,
    wallTime: null,
    scalars: new Map(loss === null ? [] : [['loss', loss]]),
    layerCount: cells?.length ?? LAYERS,
    layerMetrics: new Map(cells === null ? [] : [['m', toColumn(cells)]]),
    histograms: new Map(),
    samples: null,
  };
}

async function write(runKey: string, posts: readonly Post[]): Promise<void> {
  const outcomes = await database.writer.write(posts.map((post) => ({ runKey, ...post })));
  expect(outcomes.every((outcome) => outcome === 'stored')).toBe(true);
}

const postOf = (frame: Frame, over: Partial<Post> = {}): Post => ({
  attempt: 1,
  layerOffset: 0,
  frame,
  ...over,
});

/** Compacts until the connection breaks at the n-th query. */
const compactUntilCrash = (runKey: string, attempts: readonly number[], n: number) =>
  runUntilCrash(database.url, n, (client) => compactAll(client, runKey, attempts));

describe('compaction cut off', () => {
  it('at any query goes on to the same state, and done twice changes nothing', async () => {
    const run = await createRun(database.db, aRun({ id: 'cut-off', layerCount: LAYERS }));
    const late = new Set([9, 200, 1030]);
    const frame = (step: number): Frame =>
      frameOf(step, [step, step % 3 === 0 ? NaN : -step], step % 2 === 0 ? step : null);
    const steps = Array.from({ length: 1300 }, (_, step) => step);
    const posts = steps.map((step) => postOf(frame(step)));
    await write(
      run.runKey,
      posts.filter(({ frame: { step } }) => !late.has(step)),
    );
    await withClient(database.url, (client) => compactAll(client, run.runKey));
    await write(
      run.runKey,
      posts.filter(({ frame: { step } }) => late.has(step)),
    );
    await finishRun(database.db, run.id, 'finished', NOW);

    const whole = await copyRun(database.db, run.runKey);
    let queries = 0;
    const count = (number: number): void => {
      queries = number;
    };
    await runUntilCrash(database.url, Infinity, (client) => compactAll(client, whole), count);
    const expected = summaryOf(await readStored(database.db, whole, 1));
    await expectStoredIs(database.db, whole, LAYERS, posts);
    await withClient(database.url, (client) => compactAll(client, whole));
    expect(summaryOf(await readStored(database.db, whole, 1))).toBe(expected);

    expect(queries).toBeGreaterThan(40);
    for (let n = 1; n <= queries; n++) {
      const copy = await copyRun(database.db, run.runKey);
      expect(await compactUntilCrash(copy, [1], n)).toBe(true);
      // The server may need a moment to see that nobody is there: its locks are waited for.
      await withClient(database.url, (client) => compactAll(client, copy));
      if (summaryOf(await readStored(database.db, copy, 1)) !== expected) {
        throw new Error(`cut off at query ${n}, it came to another state`);
      }
    }
  }, 180_000);

  it('leaves at every moment each value in one place, whatever is posted meanwhile', async () => {
    const anyPost = fc.record({
      attempt: fc.constantFrom(1, 1, 1, 2),
      first: fc.nat({ max: 2600 }),
      count: fc.integer({ min: 1, max: 700 }),
      stride: fc.constantFrom(1, 1, 1, 7, 40),
      isSharded: fc.boolean(),
      cells: fc.array(anyCell, { minLength: 7, maxLength: 7 }),
    });
    const anyCrash = fc.record({ crashAt: fc.integer({ min: 1, max: 60 }) });
    const anyAct = fc.oneof(
      { weight: 4, arbitrary: anyPost },
      { weight: 2, arbitrary: anyCrash },
      { weight: 2, arbitrary: fc.constant('compact' as const) },
    );
    let runNumber = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyAct, { minLength: 3, maxLength: 12 }), async (acts) => {
        const id = `random-${++runNumber}`;
        const { runKey } = await createRun(database.db, aRun({ id, layerCount: LAYERS }));
        const posts: Post[] = [];
        const stored = new Set<string>();
        const compact = () =>
          withClient(database.url, (client) => compactAll(client, runKey, [1, 2]));
        for (const act of acts) {
          if (act === 'compact') await compact();
          else if ('crashAt' in act) await compactUntilCrash(runKey, [1, 2], act.crashAt);
          else {
            const added = postsOf(act).filter(({ attempt, layerOffset, frame: { step } }) => {
              const key = `${attempt}/${step}/${layerOffset}`;
              const isFree = !stored.has(key);
              stored.add(key);
              return isFree;
            });
            await write(runKey, added);
            posts.push(...added);
          }
          await expectStoredIs(database.db, runKey, LAYERS, posts);
        }
        await finishRun(database.db, id, 'finished', NOW);
        await compact();
        await expectStoredIs(database.db, runKey, LAYERS, posts);
        for (const attempt of new Set(posts.map((post) => post.attempt))) {
          expect((await readStored(database.db, runKey, attempt)).hot).toEqual([]);
        }
      }),
      { numRuns: 25, seed: 20_260_105, endOnFailure: true },
    );
  }, 300_000);

  it('while posts come and reads go, shows every reader each step once', async () => {
    const { runKey } = await createRun(database.db, aRun({ id: 'busy', layerCount: LAYERS }));
    const posts: Post[] = [];
    let isPosting = true;
    const posting = (async () => {
      // Every second batch comes before the one that is older.
      for (let batch = 0; batch < 60; batch++) {
        const first = (batch ^ 1) * 40;
        const steps = Array.from({ length: 40 }, (_, index) => first + index);
        const added = steps.map((step) => postOf(frameOf(step, [step, -step], step)));
        await write(runKey, added);
        posts.push(...added);
      }
      isPosting = false;
    })();
    const compacting = withClient(database.url, async (client) => {
      while (isPosting) await compactAll(client, runKey);
      await compactAll(client, runKey);
    });
    let reads = 0;
    while (isPosting) {
      const { rows } = await database.db.pool.query<{ kept: string; posted: string }>(
        `SELECT (SELECT count(*) FROM hot_frame WHERE run = $1)
           + (SELECT coalesce(sum(step_count), 0) FROM metric_block WHERE run = $1) AS kept,
           (SELECT count(*) FROM frame WHERE run = $1) AS posted`,
        [runKey],
      );
      expect(rows[0]!.kept).toBe(rows[0]!.posted);
      reads++;
    }
    await Promise.all([posting, compacting]);
    expect(reads).toBeGreaterThan(10);
    await expectStoredIs(database.db, runKey, LAYERS, posts);
  });
});

interface DraftPost {
  readonly attempt: number;
  readonly first: number;
  readonly count: number;
  readonly stride: number;
  readonly isSharded: boolean;
  readonly cells: readonly Cell[];
}

/** One post a step and layer, so that shards never overlap; the cells are taken in turns. */
function postsOf({ attempt, first, count, stride, isSharded, cells }: DraftPost): Post[] {
  return Array.from({ length: count }, (_, index): Post => {
    const step = first + index * stride;
    const cell = cells[index % cells.length] ?? null;
    const loss = index % 3 === 0 ? index : null;
    if (index % 11 === 10) return { attempt, layerOffset: 0, frame: frameOf(step, null, loss) };
    const layerOffset = isSharded ? index % LAYERS : 0;
    return { attempt, layerOffset, frame: frameOf(step, [cell], loss) };
  });
}
