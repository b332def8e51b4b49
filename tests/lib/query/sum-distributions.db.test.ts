import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HistogramFrame } from '@/lib/contract/frame';
import { readDistributions } from '@/lib/query/read-distributions';
import { chooseStretch } from '@/lib/query/sum-distributions';
import { createCompactor } from '@/lib/store/compaction/compactor';
import { createRun } from '@/lib/store/runs/create-run';
import { finishRun } from '@/lib/store/runs/runs';
import { effectiveSegments, type Segment } from '@/lib/store/runs/trajectory';
import { storeOverlapping } from '@/tests/builders/overlapping-posts';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { silentLogger, useDatabase } from '@/tests/database';
import { compactAll, withClient } from '@/tests/lib/store/compaction/compactor';

const database = useDatabase();
const LAYERS = 3;
const EDGES = [Float32Array.of(-1, 0, 2), Float32Array.of(-4, -1, 1, 4)] as const;
const NOW = new Date('2026-01-01T00:00:00Z');

interface Posted {
  readonly attempt: number;
  readonly step: number;
  readonly layerOffset: number;
  readonly layerCount: number;
  /** By kind which edges. */
  readonly kinds: Readonly<Record<string, 0 | 1>>;
  readonly scale: number;
}

const countOf = (post: Posted, layer: number, bin: number, kind: string): number =>
  (post.step * 7 + layer * 3 + bin + kind.length) * post.scale;
const outsideOf = (post: Posted, layer: number, side: number): number =>
  (post.step + layer + side) % 5;

function histogramOf(post: Posted, kind: string, edgesIndex: 0 | 1): HistogramFrame {
  const edges = EDGES[edgesIndex];
  const bins = edges.length - 1;
  const cells = (width: number, value: (layer: number, index: number) => number): Uint32Array =>
    Uint32Array.from({ length: post.layerCount * width }, (_, index) =>
      value(post.layerOffset + Math.floor(index / width), index % width),
    );
  return {
    edges,
    counts: cells(bins, (layer, bin) => countOf(post, layer, bin, kind)),
    outside: cells(4, (layer, side) => outsideOf(post, layer, side)),
  };
}

async function write(runKey: string, posts: readonly Posted[]): Promise<void> {
  const outcomes = await storeOverlapping(
    database,
    posts.map((post) => ({
      runKey,
      attempt: post.attempt,
      layerOffset: post.layerOffset,
      frame: aFrame(post.step, {
        loss: 1,
        layers: { gradient_norm: Array.from({ length: post.layerCount }, () => 1) },
        histograms: Object.fromEntries(
          Object.entries(post.kinds).map(([kind, edges]) => [kind, histogramOf(post, kind, edges)]),
        ),
      }),
    })),
  );
  expect(outcomes.every((outcome) => outcome === 'stored')).toBe(true);
}

interface Window {
  readonly layer: number;
  readonly limit: number;
  readonly fromStep?: number;
  readonly toStep?: number;
}

/** Bucket by bucket from every single post. */
function brute(
  posts: readonly Posted[],
  segments: readonly Segment[],
  { layer, limit, fromStep = 0, toStep = Infinity }: Window,
) {
  const inWindow = posts.filter(
    ({ attempt, step }) =>
      step >= fromStep &&
      step <= toStep &&
      segments.some(
        (part) => part.attempt === attempt && step >= part.fromStep && step <= part.toStep,
      ),
  );
  const steps = inWindow.map(({ step }) => step);
  const [first, last] = [Math.min(...steps), Math.max(...steps)];
  const width = chooseStretch(first, last, limit);
  const sums = new Map<
    string,
    Record<string, unknown> & { counts: number[]; outside: number[]; stepCount: number }
  >();
  const seen = new Set<string>();
  for (const post of inWindow.toSorted((a, b) => a.layerOffset - b.layerOffset)) {
    if (layer < post.layerOffset || layer >= post.layerOffset + post.layerCount) continue;
    for (const [kind, index] of Object.entries(post.kinds)) {
      const once = `${post.attempt}/${post.step}/${kind}`;
      if (seen.has(once)) continue;
      seen.add(once);
      const stretch = Math.floor(post.step / width);
      const key = `${stretch}/${kind}/${index}`;
      const bins = EDGES[index].length - 1;
      const sum = sums.get(key) ?? {
        fromStep: Math.max(first, stretch * width),
        toStep: Math.min(last, (stretch + 1) * width - 1),
        kind,
        edges: [...EDGES[index]],
        counts: new Array<number>(bins).fill(0),
        outside: [0, 0, 0, 0],
        stepCount: 0,
      };
      sums.set(key, sum);
      sum.stepCount++;
      sum.counts.forEach((_, bin) => (sum.counts[bin]! += countOf(post, layer, bin, kind)));
      sum.outside.forEach((_, side) => (sum.outside[side]! += outsideOf(post, layer, side)));
    }
  }
  return [...sums.values()].map((sum) => JSON.stringify(sum)).sort();
}

async function readSums(
  id: string,
  attempt: 'effective' | 'all' | number,
  { layer, ...range }: Window,
) {
  const reply = await readDistributions(database.db, id, layer, {
    attempt,
    reduce: 'sum',
    ...range,
  });
  expect(reply.items).toEqual([]);
  expect(reply.buckets!.length).toBeLessThanOrEqual(range.limit);
  const flat = reply.buckets!.flatMap(({ fromStep, toStep, distributions }) =>
    distributions.map(({ kind, edges, counts, underflow, overflow, zeros, nonFinite, stepCount }) =>
      JSON.stringify({
        fromStep,
        toStep,
        kind,
        edges,
        counts,
        outside: [underflow, overflow, zeros, nonFinite],
        stepCount,
      }),
    ),
  );
  return flat.sort();
}

const compact = (runKey: string, attempts: readonly number[] = [1]) =>
  withClient(database.url, (client) => compactAll(client, runKey, attempts));

async function countSums(runKey: string): Promise<{ level: number; rows: number }[]> {
  const { rows } = await database.db.pool.query<{ level: number; rows: number }>(
    `SELECT level, count(*)::int AS rows FROM histogram_rollup WHERE run = $1 GROUP BY level ORDER BY level`,
    [runKey],
  );
  return rows;
}

const aPost = (step: number, over: Partial<Posted> = {}): Posted => ({
  attempt: 1,
  step,
  layerOffset: 0,
  layerCount: LAYERS,
  kinds: { ratio: 0 },
  scale: 1,
  ...over,
});
const range = (count: number, stride = 1, first = 0): number[] =>
  Array.from({ length: count }, (_, index) => first + index * stride);

describe('sums of distributions', () => {
  it('are the same whatever is summed up, hot or late', async () => {
    const anyPosts = fc.record({
      attempt: fc.constantFrom(1, 1, 1, 2),
      first: fc.nat({ max: 2600 }),
      count: fc.integer({ min: 1, max: 300 }),
      stride: fc.constantFrom(1, 1, 3, 10, 40, 100),
      shards: fc.constantFrom('whole', 'split', 'overlapping', 'part'),
      kinds: fc.constantFrom<Record<string, 0 | 1>>(
        { ratio: 0 },
        { ratio: 0, update: 1 },
        { update: 1 },
        { ratio: 1 },
        {},
      ),
      scale: fc.constantFrom(1, 1, 40, 10_000),
    });
    const anyAct = fc.oneof(
      { weight: 4, arbitrary: anyPosts },
      { weight: 2, arbitrary: fc.constant('compact' as const) },
    );
    const anyWindow = fc.record({
      layer: fc.nat({ max: LAYERS - 1 }),
      limit: fc.constantFrom(1, 2, 10, 60, 1000),
      fromStep: fc.nat({ max: 3000 }),
      count: fc.constantFrom(1, 20, 500, 5000, 100_000),
    });
    let runNumber = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyAct, { minLength: 3, maxLength: 7 }),
        fc.array(anyWindow, { minLength: 3, maxLength: 3 }),
        fc.nat({ max: 2600 }),
        async (acts, windows, resumeFromStep) => {
          const id = `sums-${++runNumber}`;
          const { runKey } = await createRun(database.db, aRun({ id, layerCount: LAYERS }));
          await write(runKey, [aPost(0)]);
          await createRun(database.db, aRun({ id, layerCount: LAYERS, resumeFromStep }));
          const attempts = [
            { attempt: 1, resumeFromStep: 0 },
            { attempt: 2, resumeFromStep },
          ];
          const posts: Posted[] = [aPost(0)];
          const stored = new Set(['1/0/0']);
          const everything = [1, 2].map((attempt) => ({ attempt, fromStep: 0, toStep: Infinity }));
          const expectSame = async () => {
            for (const { count, ...window } of windows) {
              const asked = { ...window, toStep: window.fromStep + count };
              for (const [selector, segments] of [
                ['effective', effectiveSegments(attempts as never)],
                ['all', everything],
                [1, everything.slice(0, 1)],
              ] as const) {
                expect(await readSums(id, selector, asked)).toEqual(brute(posts, segments, asked));
              }
            }
          };
          for (const act of acts) {
            if (act === 'compact') await compact(runKey, [1, 2]);
            else {
              const added = postsOf(act).filter(({ attempt, step, layerOffset }) => {
                const key = `${attempt}/${step}/${layerOffset}`;
                const isFree = !stored.has(key);
                stored.add(key);
                return isFree;
              });
              await write(runKey, added);
              posts.push(...added);
            }
            await expectSame();
          }
          await finishRun(database.db, id, 'finished', NOW);
          await compact(runKey, [1, 2]);
          await expectSame();
        },
      ),
      { numRuns: 12, seed: 20_260_111, endOnFailure: true },
    );
  }, 300_000);

  it('come from a few rows of a long run, and from steps where edges differ', async () => {
    const { runKey } = await createRun(database.db, aRun({ id: 'long', layerCount: LAYERS }));
    const posts = range(5000).map((step) =>
      aPost(step, { kinds: { ratio: step === 700 ? 1 : 0 } }),
    );
    await write(runKey, posts);
    await compact(runKey);
    expect(await countSums(runKey)).toEqual([
      { level: 0, rows: 307 },
      { level: 1, rows: 76 },
      { level: 2, rows: 18 },
      { level: 3, rows: 3 },
    ]);
    // What is not summed up is read; what is would be missed if it were read from steps.
    await database.db.pool.query(
      `DELETE FROM histogram_frame WHERE run = $1 AND step < 4864 AND (step < 688 OR step >= 704)`,
      [runKey],
    );
    for (const limit of [1, 5, 100]) {
      const asked = { layer: 1, limit };
      const whole = [{ attempt: 1, fromStep: 0, toStep: Infinity }];
      expect(await readSums('long', 'effective', asked)).toEqual(brute(posts, whole, asked));
    }
  });

  it('cost no row where histograms are rare, and do not lose what came late', async () => {
    const { runKey } = await createRun(database.db, aRun({ id: 'rare', layerCount: LAYERS }));
    const posts = range(20, 1000).map((step) => aPost(step));
    await write(runKey, posts);
    await finishRun(database.db, 'rare', 'finished', NOW);
    await compact(runKey);
    const rare = await countSums(runKey);
    expect(rare.every(({ level }) => level >= 4)).toBe(true);
    expect(rare.length).toBeGreaterThan(0);
    const late = [aPost(4001), aPost(4002, { layerOffset: 1, layerCount: 1 })];
    await write(runKey, late);
    const whole = [{ attempt: 1, fromStep: 0, toStep: Infinity }];
    const asked = { layer: 1, limit: 1 };
    const expected = brute([...posts, ...late], whole, asked);
    expect(await readSums('rare', 'effective', asked)).toEqual(expected);
    await compact(runKey);
    expect(await readSums('rare', 'effective', asked)).toEqual(expected);
  });

  it('outlive the steps that retention lets go, and take what comes after', async () => {
    const { runKey } = await createRun(database.db, aRun({ id: 'kept', layerCount: LAYERS }));
    const posts = range(1100)
      .filter((step) => step !== 70)
      .map((step) => aPost(step));
    await write(runKey, posts);
    await compact(runKey);
    await database.db.pool.query(`DELETE FROM histogram_frame WHERE run = $1 AND step < 512`, [
      runKey,
    ]);
    await database.db.pool.query(
      `INSERT INTO raw_gap (run, attempt, metric, from_step, end_step) VALUES ($1, 1, -1, 0, 512)`,
      [runKey],
    );
    const late = aPost(70);
    await write(runKey, [late]);
    await compact(runKey);
    const whole = [{ attempt: 1, fromStep: 0, toStep: Infinity }];
    for (const limit of [1, 5, 20]) {
      const asked = { layer: 2, limit };
      expect(await readSums('kept', 'effective', asked)).toEqual(
        brute([...posts, late], whole, asked),
      );
    }
  });

  it('catch up with attempts that were compacted before', async () => {
    const { runKey } = await createRun(database.db, aRun({ id: 'older', layerCount: LAYERS }));
    const posts = range(1500).map((step) => aPost(step));
    await write(runKey, posts);
    await compact(runKey);
    const before = await countSums(runKey);
    const findWaiting = async (): Promise<boolean> => {
      const compactor = createCompactor({ url: database.url, logger: silentLogger });
      const found = await compactor.findHotAttempts();
      await compactor.close();
      return found.some((attempt) => attempt.runKey === runKey);
    };
    await database.db.pool.query(`DELETE FROM hot_frame WHERE run = $1`, [runKey]);
    expect(await findWaiting()).toBe(false);
    await database.db.pool.query(`DELETE FROM histogram_rollup WHERE run = $1`, [runKey]);
    await database.db.pool.query(`UPDATE compaction_state SET histograms_to = 0 WHERE run = $1`, [
      runKey,
    ]);
    expect(await findWaiting()).toBe(true);
    await compact(runKey);
    expect(await countSums(runKey)).toEqual(before);
    expect(await findWaiting()).toBe(false);
  });

  it('are refused of one step', async () => {
    await createRun(database.db, aRun({ id: 'bare', layerCount: LAYERS }));
    const query = { attempt: 'effective', reduce: 'sum', limit: 10 } as const;
    await expect(
      readDistributions(database.db, 'bare', 0, { ...query, step: 4 }),
    ).rejects.toMatchObject({ code: 'invalid_query' });
    expect((await readDistributions(database.db, 'bare', 0, query)).buckets).toEqual([]);
  });
});

function postsOf({
  attempt,
  first,
  count,
  stride,
  shards,
  kinds,
  scale,
}: {
  readonly attempt: number;
  readonly first: number;
  readonly count: number;
  readonly stride: number;
  readonly shards: string;
  readonly kinds: Readonly<Record<string, 0 | 1>>;
  readonly scale: number;
}): Posted[] {
  const places = {
    whole: [[0, 3]],
    split: [
      [0, 1],
      [1, 2],
    ],
    overlapping: [
      [0, 2],
      [1, 2],
    ],
    part: [[1, 1]],
  }[shards]!;
  return range(count, stride, first).flatMap((step) =>
    places.map(([layerOffset, layerCount]) =>
      aPost(step, { attempt, layerOffset: layerOffset!, layerCount: layerCount!, kinds, scale }),
    ),
  );
}
