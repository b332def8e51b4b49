import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '@/lib/contract/frame';
import { bitsOf, MISSING_FLOAT32_BITS, missingColumn } from '@/lib/contract/missing-value';
import { replaceLayerMetrics } from '@/lib/store/writing/replace-metrics';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { createTestDatabase, type ClonedDatabase } from '@/tests/database';
import { type TestServers, aRun, startServers } from '@/tests/servers';
import { compactAll, withClient } from '../../../lib/store/compaction/compactor';
import { postFrames, shardOf } from '../detect/recorded-frames';
import { seededRandom } from '@/tests/seeded-random';

let database: ClonedDatabase;
let servers: TestServers;
beforeAll(async () => {
  database = await createTestDatabase();
  servers = await startServers({ database });
});
afterAll(async () => {
  await servers.stop();
  await database.drop();
});

const LAYERS = 3;
const STEPS = 150;
const EDGES = Float32Array.from({ length: 17 }, (_, i) => -2 + i / 4);
const METRICS = ['update_dip', 'ratio_dip', 'ratio_valley_depth', 'ratio_beyond_bound_fraction'];
const random = seededRandom(7);

/** Histograms of r and u with bins beyond r's bound among them; every third step. */
function frames(): Frame[] {
  return Array.from({ length: STEPS }, (_, step) => {
    const histogram = () => ({
      edges: EDGES,
      counts: Uint32Array.from({ length: LAYERS * 16 }, () => Math.floor(200 * random())),
      outside: new Uint32Array(LAYERS * 4),
    });
    return {
      step,
      wallTime: null,
      scalars: new Map([['loss', 2 + 0.01 * random()]]),
      layerCount: LAYERS,
      layerMetrics: new Map([['gradient_norm', Float32Array.of(1, 2, 3)]]),
      histograms: new Map(
        step % 3 === 0
          ? [
              ['ratio', histogram()],
              ['update', histogram()],
            ]
          : [],
      ),
      samples: null,
    };
  });
}

async function valuesOf(id: string, metric: string, columns = 1000): Promise<number[][]> {
  const { body } = await servers.get(
    `/api/v1/runs/${id}/heatmap?metric=${metric}&columns=${columns}`,
  );
  return body.values as number[][];
}

const allOf = (id: string) => Promise.all(METRICS.map((metric) => valuesOf(id, metric)));

async function runJob(id: string, request: Record<string, unknown> = {}) {
  const { status, body } = await servers.post(`/api/v1/runs/${id}/jobs`, {
    kind: 'recompute_statistics',
    ...request,
  });
  expect(status).toBe(202);
  await servers.jobsSettled();
  return (await servers.get(`/api/v1/runs/${id}/jobs/${body.id as string}`)).body;
}

/** Writes 0.5 where the metrics stand. */
async function damage(id: string, posts: readonly { offset: number; count: number }[]) {
  const replacements = Array.from({ length: STEPS / 3 }, (_, index) => index * 3).flatMap((step) =>
    posts.map(({ offset, count }) => ({
      step,
      layerOffset: offset,
      layerCount: count,
      layerMetrics: new Map(METRICS.map((name) => [name, new Float32Array(count).fill(0.5)])),
    })),
  );
  expect(await replaceLayerMetrics(servers.db, runKeyOf(id), 1, replacements)).toBe(0);
}

const compact = (id: string) =>
  withClient(database.url, (client) => compactAll(client, runKeyOf(id)));
const hotRows = async (id: string): Promise<number> => {
  const { rows } = await servers.db.pool.query<{ count: string }>(
    'SELECT count(*) FROM hot_frame WHERE run = $1',
    [runKeyOf(id)],
  );
  return Number(rows[0]?.count);
};
const damaged = (values: number[][][]) =>
  values.map((rows) => rows.map((row) => row.map((value) => (value === null ? null : 0.5))));

describe('recompute_statistics', () => {
  it('puts what the histograms say in the place of stored metrics, hot or compacted', async () => {
    await servers.post('/api/v1/runs', aRun('whole', LAYERS));
    await postFrames(servers, 'whole', frames(), { batch: 1 });
    const whole = [{ offset: 0, count: LAYERS }];
    const expected = await allOf('whole');
    expect(expected[3]!.flat().filter((value) => value > 0).length).toBeGreaterThan(50);

    await damage('whole', whole);
    expect(await allOf('whole')).toEqual(damaged(expected));
    const job = await runJob('whole');
    expect(job).toMatchObject({
      kind: 'recompute_statistics',
      parameters: {},
      status: 'finished',
      doneSteps: STEPS / 3,
      totalSteps: STEPS / 3,
      result: { steps: STEPS / 3, cells: (STEPS / 3) * LAYERS * 5, postsLeftOut: 0 },
    });
    expect(await allOf('whole')).toEqual(expected);

    await servers.post('/api/v1/runs/whole/finish', { status: 'finished' });
    await compact('whole');
    expect(await hotRows('whole')).toBe(0);
    expect(await allOf('whole')).toEqual(expected);
    await damage('whole', whole);
    expect(await allOf('whole')).toEqual(damaged(expected));
    await compact('whole');
    expect(await allOf('whole')).toEqual(damaged(expected));
    await runJob('whole');
    expect(await allOf('whole')).toEqual(expected);
    const zoomedOut = await valuesOf('whole', 'ratio_dip', 3);
    await compact('whole');
    expect(await hotRows('whole')).toBe(0);
    expect(await allOf('whole')).toEqual(expected);
    expect(await valuesOf('whole', 'ratio_dip', 3)).toEqual(zoomedOut);
    expect(zoomedOut.map((row) => Math.max(...row))).toEqual(
      expected[1]!.map((row) => Math.max(...row)),
    );
  });

  it('does so shard by shard', async () => {
    await servers.post('/api/v1/runs', aRun('shards', LAYERS));
    const posted = frames();
    const shards = [
      { offset: 0, count: 2 },
      { offset: 2, count: 1 },
    ];
    for (const { offset, count } of shards) {
      const shard = posted.map((frame) => ({
        ...shardOf(frame, offset, offset + count),
        histograms: new Map(
          Array.from(frame.histograms, ([name, { edges, counts, outside }]) => [
            name,
            {
              edges,
              counts: counts.slice(offset * 16, (offset + count) * 16),
              outside: outside.slice(offset * 4, (offset + count) * 4),
            },
          ]),
        ),
      }));
      await postFrames(servers, 'shards', shard, { batch: 1, layerOffset: offset });
    }
    const expected = await allOf('shards');
    await servers.post('/api/v1/runs/shards/finish', { status: 'finished' });
    await compact('shards');
    await damage('shards', shards);
    expect(await allOf('shards')).toEqual(damaged(expected));
    await runJob('shards');
    await compact('shards');
    expect(await allOf('shards')).toEqual(expected);
  });

  it('does only what was asked for: these metrics, these steps', async () => {
    const before = await allOf('whole');
    await damage('whole', [{ offset: 0, count: LAYERS }]);
    const job = await runJob('whole', {
      attempt: 1,
      fromStep: 60,
      toStep: 89,
      metrics: ['ratio_dip'],
    });
    expect(job).toMatchObject({ doneSteps: 10, totalSteps: 10, result: { cells: 10 * LAYERS } });
    const [update, ratio] = await allOf('whole');
    expect(update).toEqual(damaged(before)[0]);
    ratio!.forEach((row, layer) => {
      const untouched = damaged(before)[1]![layer]!;
      expect(row.slice(60, 90)).toEqual(before[1]![layer]!.slice(60, 90));
      expect(row.slice(0, 60)).toEqual(untouched.slice(0, 60));
      expect(row.slice(90)).toEqual(untouched.slice(90));
    });
  });

  it('never replaces what the job posted itself, hot or compacted', async () => {
    await servers.post('/api/v1/runs', aRun('own', LAYERS));
    // Every other step with histograms comes with a dip of its own, of which one layer has none.
    const dipOf = (step: number) => {
      const dip = Float32Array.of(step + 0.5, 0.25, 0);
      bitsOf(dip)[2] = MISSING_FLOAT32_BITS;
      return dip;
    };
    const posted = frames().map((frame) => ({
      ...frame,
      layerMetrics: new Map([
        ...frame.layerMetrics,
        ...(frame.step % 2 === 0 ? [['ratio_dip', dipOf(frame.step)] as const] : []),
      ]),
    }));
    await postFrames(servers, 'own', posted, { batch: 10 });
    const expected = await allOf('own');
    const ownSteps = Array.from({ length: STEPS / 6 }, (_, index) => index * 6);
    for (const step of ownSteps) {
      const cells = expected[1]!.map((row) => row[step]);
      expect(cells).toEqual([step + 0.5, 0.25, null]);
    }
    // Of the others, something wrong; what was posted is left as it is.
    const damageOthers = async (): Promise<void> => {
      const replacements = Array.from({ length: STEPS / 3 }, (_, index) => index * 3).map(
        (step) => ({
          ...{ step, layerOffset: 0, layerCount: LAYERS },
          layerMetrics: new Map(
            METRICS.filter((name) => name !== 'ratio_dip' || step % 2 === 1).map((name) => [
              name,
              new Float32Array(LAYERS).fill(0.5),
            ]),
          ),
        }),
      );
      expect(await replaceLayerMetrics(servers.db, runKeyOf('own'), 1, replacements)).toBe(0);
      expect(await allOf('own')).not.toEqual(expected);
    };
    for (const isCompacted of [false, true]) {
      if (isCompacted) {
        await servers.post('/api/v1/runs/own/finish', { status: 'finished' });
        await compact('own');
      }
      await damageOthers();
      const { result } = await runJob('own');
      expect(result.cellsKept).toBe(ownSteps.length * LAYERS);
      expect(result.cells).toBe((STEPS / 3) * LAYERS * 5 - result.cellsKept);
      expect(await allOf('own')).toEqual(expected);
    }
  });

  it('adds only what is missing to posts of which nobody noted what was posted', async () => {
    await servers.post('/api/v1/runs', aRun('old', LAYERS));
    await postFrames(servers, 'old', frames(), { batch: 10 });
    const expected = await allOf('old');
    await servers.db.pool.query('UPDATE frame SET posted_measures = NULL WHERE run = $1', [
      runKeyOf('old'),
    ]);
    await damage('old', [{ offset: 0, count: LAYERS }]);
    const lacking = {
      ...{ step: 30, layerOffset: 0, layerCount: LAYERS },
      layerMetrics: new Map([['ratio_dip', missingColumn(LAYERS)]]),
    };
    await replaceLayerMetrics(servers.db, runKeyOf('old'), 1, [lacking]);
    const { result } = await runJob('old');
    expect(result.cells).toBe(LAYERS);
    const stored = await allOf('old');
    const wanted: (number | null)[][][] = damaged(expected);
    wanted[1]!.forEach((row, layer) => (row[30] = expected[1]![layer]![30]!));
    expect(stored).toEqual(wanted);
  });

  it('is refused for what is not there', async () => {
    const post = (id: string, body: object) => servers.post(`/api/v1/runs/${id}/jobs`, body);
    const kind = 'recompute_statistics';
    expect((await post('nobody', { kind })).body.error.code).toBe('run_not_found');
    expect((await post('whole', { kind: 'paint' })).status).toBe(422);
    expect((await post('whole', { kind, metrics: ['rms'] })).body.error.details[0].path).toBe(
      'metrics.0',
    );
    expect((await post('whole', { kind, attempt: 9 })).body.error.code).toBe('attempt_not_found');
    const missing = await servers.get('/api/v1/runs/whole/jobs/none');
    expect([missing.status, missing.body.error.code]).toEqual([404, 'job_not_found']);
    const { body } = await servers.get('/api/v1/runs/whole/jobs');
    expect(body.items.map(({ status }: { status: string }) => status)).toEqual([
      'finished',
      'finished',
      'finished',
    ]);
    const cancel = await servers.post(`/api/v1/runs/whole/jobs/${body.items[0].id}/cancel`, {});
    expect([cancel.status, cancel.body.status]).toEqual([200, 'finished']);
  });
});

describe('replaceLayerMetrics', () => {
  it('adds a metric that no block has, and takes one away', async () => {
    const key = runKeyOf('shards');
    const layerMetrics = new Map([
      ['brand_new', Float32Array.of(1, 2)],
      ['ratio_dip', missingColumn(2)],
    ]);
    const at = { step: 3, layerOffset: 0, layerCount: 2, layerMetrics };
    expect(await replaceLayerMetrics(servers.db, key, 1, [at])).toBe(0);
    for (const isCompacted of [false, true]) {
      if (isCompacted) await compact('shards');
      const added = await valuesOf('shards', 'brand_new');
      expect(added.map((row) => row[3])).toEqual([1, 2, null]);
      expect(added.flat().filter((value) => value !== null)).toHaveLength(2);
      const dips = await valuesOf('shards', 'ratio_dip');
      expect([dips[0]![3], dips[1]![3]]).toEqual([null, null]);
      expect(dips[2]![3]).toBeGreaterThan(0);
    }
  });

  it('leaves out what retention has left of rollups alone', async () => {
    const key = runKeyOf('shards');
    await servers.db.pool.query('DELETE FROM metric_block WHERE run = $1 AND first_step < 64', [
      key,
    ]);
    const layerMetrics = new Map([['ratio_dip', Float32Array.of(1, 1)]]);
    const at = (step: number) => ({ step, layerOffset: 0, layerCount: 2, layerMetrics });
    expect(await replaceLayerMetrics(servers.db, key, 1, [at(3), at(66)])).toBe(1);
    expect(await hotRows('shards')).toBe(1);
  });

  it('writes nothing of a run that is gone', async () => {
    const layerMetrics = new Map([['ratio_dip', Float32Array.of(1)]]);
    const at = { step: 3, layerOffset: 0, layerCount: 1, layerMetrics };
    expect(await replaceLayerMetrics(servers.db, runKeyOf('nobody'), 1, [at])).toBeNull();
  });
});
