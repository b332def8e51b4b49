import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '@/lib/contract/app-error';
import type { Frame } from '@/lib/contract/frame';
import { MAX_METRICS_PER_RUN } from '@/lib/contract/identifiers';
import { createRun } from '@/lib/store/runs/create-run';
import { createFrameWriter, type FrameToStore } from '@/lib/store/writing/frame-writer';
import { deleteRun } from '@/lib/store/runs/runs';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { silentLogger, useDatabase } from '@/tests/database';

const database = useDatabase();
let runNumber = 0;

async function aStoredRun(layerCount = 3): Promise<string> {
  const run = await createRun(database.db, aRun({ id: `run-${++runNumber}`, layerCount }));
  return run.runKey;
}

function place(runKey: string, frame: Frame, over: Partial<FrameToStore> = {}): FrameToStore {
  return { runKey, attempt: 1, layerOffset: 0, frame, ...over };
}

async function rowsOf(table: string, runKey: string) {
  const { rows } = await database.db.pool.query(
    `SELECT * FROM ${table} WHERE run = $1 ORDER BY attempt, step`,
    [runKey],
  );
  return rows;
}

describe('write', () => {
  it('stores a frame once and knows a retry from other content', async () => {
    const { writer } = database;
    const runKey = await aStoredRun();
    const write = (frame: Frame) => writer.write([place(runKey, frame)]);
    expect(await write(aFrame(7, { loss: 2.5, wallTime: 100 }))).toEqual(['stored']);
    expect(await write(aFrame(7, { loss: 2.5, wallTime: 999 }))).toEqual(['duplicate']);
    expect(await write(aFrame(7, { loss: 2.6 }))).toEqual(['conflict']);
    expect(await rowsOf('step', runKey)).toMatchObject([{ step: '7', loss: 2.5, wall_time: 100 }]);
    expect(await rowsOf('hot_frame', runKey)).toHaveLength(1);
  });

  it('compares what was posted, not what was derived from it', async () => {
    const runKey = await aStoredRun();
    const contentHash = Buffer.alloc(16, 7);
    const write = (layers: Record<string, number[]>) =>
      database.writer.write([place(runKey, aFrame(1, { layers }), { contentHash })]);
    expect(await write({ derived: [1, 2, 3] })).toEqual(['stored']);
    expect(await write({ derived: [9, 9, 9] })).toEqual(['duplicate']);
  });

  describe('of shards of a step that hold the same layers', () => {
    const shard = (runKey: string, step: number, layerOffset: number, layerCount: number) =>
      place(
        runKey,
        aFrame(step, { layers: { rms: Array<number>(layerCount).fill(layerOffset) } }),
        {
          layerOffset,
        },
      );

    it.each([
      ['in one call', true],
      ['in calls of their own', false],
    ])('stores the first, %s', async (_title, isOneCall) => {
      const runKey = await aStoredRun(6);
      const write = async (...posts: FrameToStore[]) => {
        if (isOneCall) return database.writer.write(posts);
        const outcomes = [];
        for (const post of posts) outcomes.push(...(await database.writer.write([post])));
        return outcomes;
      };
      expect(
        await write(
          shard(runKey, 1, 2, 2),
          shard(runKey, 1, 1, 4),
          shard(runKey, 1, 3, 2),
          shard(runKey, 1, 0, 2),
          shard(runKey, 1, 4, 2),
          shard(runKey, 2, 3, 2),
        ),
      ).toEqual(['stored', 'overlap', 'overlap', 'stored', 'stored', 'stored']);
      expect(await write(shard(runKey, 1, 2, 2), shard(runKey, 1, 3, 2))).toEqual([
        'duplicate',
        'overlap',
      ]);
      const rows = await rowsOf('hot_frame', runKey);
      expect(rows.map(({ step, layer_offset: offset }) => `${step}/${offset}`).sort()).toEqual(
        ['1/0', '1/2', '1/4', '2/3'].sort(),
      );
    });

    it('stores one that shares layers with a refused one alone', async () => {
      const runKey = await aStoredRun(6);
      await database.writer.write([shard(runKey, 1, 0, 2)]);
      expect(await database.writer.write([shard(runKey, 1, 1, 3), shard(runKey, 1, 3, 2)])).toEqual(
        ['overlap', 'stored'],
      );
    });

    it('takes scalars at any place, and an attempt or a run of another', async () => {
      const [runKey, other] = [await aStoredRun(3), await aStoredRun(3)];
      await database.writer.write([shard(runKey, 1, 0, 3)]);
      expect(
        await database.writer.write([
          place(runKey, aFrame(1, { loss: 2, layers: {} }), { layerOffset: 1 }),
          { ...shard(runKey, 1, 1, 2), attempt: 2 },
          shard(other, 1, 1, 2),
        ]),
      ).toEqual(['stored', 'stored', 'stored']);
    });
  });

  it('decides between equal steps of one call as between two calls', async () => {
    const runKey = await aStoredRun();
    const outcomes = await database.writer.write([
      place(runKey, aFrame(1, { loss: 1 })),
      place(runKey, aFrame(1, { loss: 1 })),
      place(runKey, aFrame(1, { loss: 2 })),
      place(runKey, aFrame(1, { loss: 2 }), { attempt: 2 }),
    ]);
    expect(outcomes).toEqual(['stored', 'duplicate', 'conflict', 'stored']);
  });

  it('shares a transaction among the runs that wait', async () => {
    const { writer } = database;
    const runKeys = await Promise.all(Array.from({ length: 8 }, () => aStoredRun()));
    await Promise.all(runKeys.map((runKey) => writer.write([place(runKey, aFrame(0))])));
    const before = writer.status();
    const outcomes = await Promise.all(
      runKeys.flatMap((runKey) =>
        [1, 2, 3].map((step) => writer.write([place(runKey, aFrame(step, { loss: step }))])),
      ),
    );
    expect(outcomes.flat()).toEqual(Array.from({ length: 24 }, () => 'stored'));
    const after = writer.status();
    expect(after.committedFrames - before.committedFrames).toBe(24);
    expect(after.committedBatches - before.committedBatches).toBeLessThanOrEqual(2);
    expect(after).toMatchObject({ queuedFrames: 0, queuedBytes: 0, oldestQueuedMs: 0 });
    for (const runKey of runKeys) expect(await rowsOf('step', runKey)).toHaveLength(4);
  });

  it('takes of each scalar the first shard’s value, in one batch or in many', async () => {
    const { db, writer } = database;
    const shards: FrameToStore['frame'][] = [
      aFrame(5, { layers: { m: [1] }, scalars: { a: 1, b: NaN } }),
      aFrame(5, { layers: { m: [2] }, loss: 3, scalars: { a: 9, c: 4 }, wallTime: 50 }),
      aFrame(5, { layers: { m: [3] }, loss: 8, scalars: { b: 9, c: 9, d: 5 } }),
    ];
    const together = await aStoredRun();
    const apart = await aStoredRun();
    const shard = (runKey: string, index: number) =>
      place(runKey, shards[index]!, { layerOffset: index });
    await writer.write(shards.map((_, index) => shard(together, index)));
    for (const index of shards.keys()) await writer.write([shard(apart, index)]);
    for (const runKey of [together, apart]) {
      const { rows } = await db.pool.query(
        `SELECT loss, wall_time,
           (SELECT jsonb_object_agg(name, value::text) FROM (
             SELECT DISTINCT ON (name) name, scalar.value
             FROM unnest(scalar_ids, scalar_values) WITH ORDINALITY AS scalar (id, value, position)
             JOIN metric ON metric.run = step.run AND kind = 'scalar' AND metric.metric = scalar.id
             ORDER BY name, position) AS first) AS scalars
         FROM step WHERE run = $1`,
        [runKey],
      );
      expect(rows).toEqual([
        { loss: 3, wall_time: 50, scalars: { a: '1', b: 'NaN', c: '4', d: '5' } },
      ]);
    }
  });

  it('leaves a step alone that a shard adds nothing to', async () => {
    const { db, writer } = database;
    const runKey = await aStoredRun();
    const versionOf = async () =>
      (await db.pool.query('SELECT xmin::text AS version FROM step WHERE run = $1', [runKey])).rows;
    const scalars = { loss: 1, custom: 2 };
    await writer.write([place(runKey, aFrame(1, { layers: { m: [1] }, scalars }))]);
    const before = await versionOf();
    await writer.write([
      place(runKey, aFrame(1, { layers: { m: [2] }, scalars }), { layerOffset: 1 }),
    ]);
    expect(await versionOf()).toEqual(before);
  });

  it('keeps one content per key, whatever is posted at once', async () => {
    const post = fc.record({
      run: fc.nat({ max: 1 }),
      step: fc.nat({ max: 3 }),
      attempt: fc.constantFrom(1, 2),
      loss: fc.nat({ max: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(post, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 }),
        async (calls) => {
          const runKeys = [await aStoredRun(), await aStoredRun()];
          const outcomes = await Promise.all(
            calls.map((call) =>
              database.writer.write(
                call.map(({ run, step, attempt, loss }) =>
                  place(runKeys[run]!, aFrame(step, { loss }), { attempt }),
                ),
              ),
            ),
          );
          const kept = new Map<string, number>();
          calls.forEach((call, index) =>
            call.forEach(({ run, step, attempt, loss }, position) => {
              const key = `${run}/${attempt}/${step}`;
              const outcome = outcomes[index]![position];
              if (!kept.has(key)) {
                expect(outcome).toBe('stored');
                kept.set(key, loss);
              } else expect(outcome).toBe(kept.get(key) === loss ? 'duplicate' : 'conflict');
            }),
          );
        },
      ),
      { numRuns: 15, seed: 20_260_101 },
    );
  });

  it('writes a step without layers and a frame without scalars', async () => {
    const runKey = await aStoredRun();
    expect(
      await database.writer.write([
        place(runKey, aFrame(1, { layers: {}, loss: 1 })),
        place(runKey, aFrame(2, { layers: { m: [1, 2, 3] } })),
      ]),
    ).toEqual(['stored', 'stored']);
    expect(await rowsOf('hot_frame', runKey)).toMatchObject([
      { step: '1', metric_ids: [] },
      { step: '2', metric_ids: [0] },
    ]);
    expect(await rowsOf('step', runKey)).toMatchObject([{ loss: 1 }, { loss: null }]);
  });
});

describe('a frame that cannot be stored', () => {
  it('names more metrics than a run may have, and the others stand', async () => {
    const runKey = await aStoredRun(1);
    const many = (prefix: string, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, [1]]));
    const [first, second, third] = await database.writer.write([
      place(runKey, aFrame(1, { layers: many('a', MAX_METRICS_PER_RUN - 1) })),
      place(runKey, aFrame(2, { layers: many('b', 2) })),
      place(runKey, aFrame(3, { layers: many('c', 1) })),
    ]);
    expect(first).toBe('stored');
    expect(second).toMatchObject({ code: 'too_many_metrics' });
    expect(third).toBe('stored');
  });

  it('fails alone where the database refuses its values', async () => {
    const runKey = await aStoredRun();
    const [first, broken, last] = await database.writer.write([
      place(runKey, aFrame(1)),
      // Larger than the column holds: nothing that comes in over HTTP can be.
      place(runKey, aFrame(2), { attempt: 2 ** 40 }),
      place(runKey, aFrame(3)),
    ]);
    expect([first, last]).toEqual(['stored', 'stored']);
    expect(broken).toBeInstanceOf(AppError);
    expect(broken).toMatchObject({ code: 'internal' });
    expect(await rowsOf('frame', runKey)).toHaveLength(2);
  });

  it('belongs to a run that was deleted, and one made anew starts from nothing', async () => {
    const { db, writer } = database;
    const run = await createRun(db, aRun({ id: 'deleted' }));
    const other = await aStoredRun();
    const write = (layers: Record<string, number[]>) =>
      writer.write([place(run.runKey, aFrame(1, { layers })), place(other, aFrame(1))]);
    expect(await write({ first: [1, 1, 1], second: [2, 2, 2] })).toEqual(['stored', 'stored']);
    await deleteRun(db, 'deleted');
    expect(await write({ second: [2, 2, 2] })).toEqual([
      expect.objectContaining({ code: 'run_not_found' }),
      'duplicate',
    ]);
    await createRun(db, aRun({ id: 'deleted' }));
    expect(await write({ second: [2, 2, 2] })).toEqual(['stored', 'duplicate']);
    const { rows } = await db.pool.query('SELECT metric, name FROM metric WHERE run = $1', [
      run.runKey,
    ]);
    expect(rows).toEqual([{ metric: 0, name: 'second' }]);
    expect(await rowsOf('hot_frame', run.runKey)).toMatchObject([{ metric_ids: [0] }]);
  });
});

describe('limits', () => {
  it('refuses a call beyond the queue with a time to come back, and takes the next', async () => {
    const runKey = await aStoredRun();
    const writer = createFrameWriter({
      url: database.url,
      logger: silentLogger,
      maxQueuedBytes: 1000,
    });
    const calls = [1, 2, 3].map((step) => writer.write([place(runKey, aFrame(step))]));
    const results = await Promise.allSettled(calls);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(results[1]).toMatchObject({
      reason: { code: 'writer_saturated', retryAfterSeconds: 1 },
    });
    expect(writer.status()).toMatchObject({ refusedWrites: 2, queuedBytes: 0 });
    expect(await writer.write([place(runKey, aFrame(2))])).toEqual(['stored']);
    await writer.close();
  });

  it('writes what waits before it closes, and then nothing', async () => {
    const runKey = await aStoredRun();
    const writer = createFrameWriter({
      url: database.url,
      logger: silentLogger,
      maxQueuedBytes: 1e6,
    });
    const waiting = [1, 2, 3].map((step) => writer.write([place(runKey, aFrame(step))]));
    await writer.close();
    expect((await Promise.all(waiting)).flat()).toEqual(['stored', 'stored', 'stored']);
    await expect(writer.write([place(runKey, aFrame(4))])).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  it('rests between batches where it is told to, but not when it closes', async () => {
    const runKey = await aStoredRun();
    const rests: (() => void)[] = [];
    const took: number[] = [];
    const writer = createFrameWriter({
      url: database.url,
      logger: silentLogger,
      maxQueuedBytes: 1e9,
      rest: (batchMs) => {
        took.push(batchMs);
        return new Promise<void>((resolve) => rests.push(resolve));
      },
    });
    // A batch holds 512 frames at most.
    const steps = Array.from({ length: 2000 }, (_, step) => step);
    const calls = steps.map((step) => writer.write([place(runKey, aFrame(step))]));
    await expect.poll(() => rests.length).toBe(1);
    expect(took[0]).toBeGreaterThan(0);
    expect(writer.status()).toMatchObject({ committedFrames: 512, queuedFrames: 1488, restMs: 0 });
    expect(writer.status().commitMs).toBeGreaterThan(0);
    expect(writer.status().commitMs).toBeLessThanOrEqual(took[0]!);
    rests[0]?.();
    await expect.poll(() => rests.length).toBe(2);
    expect(writer.status().restMs).toBeGreaterThan(0);
    const closed = writer.close();
    rests[1]?.();
    await closed;
    expect((await Promise.all(calls)).flat()).toEqual(steps.map(() => 'stored'));
    expect(rests).toHaveLength(2);
  });
});
