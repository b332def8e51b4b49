import { beforeAll, describe, expect, it } from 'vitest';
import { readProjects } from '@/lib/query/read-projects';
import { readRun } from '@/lib/query/read-run';
import { readRunMetrics } from '@/lib/query/read-run-metrics';
import { readRuns } from '@/lib/query/read-runs';
import { createRun } from '@/lib/store/runs/create-run';
import { deleteRun, finishRun, patchRun } from '@/lib/store/runs/runs';
import { aFrame, type FrameParts } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';

const database = useDatabase();

async function post(runKey: string, attempt: number, step: number, parts: FrameParts = {}) {
  await database.writer.write([{ runKey, attempt, layerOffset: 0, frame: aFrame(step, parts) }]);
}

async function idsOf(query: Partial<Parameters<typeof readRuns>[1]>): Promise<string[]> {
  const { items } = await readRuns(database.db, { limit: 100, ...query });
  return items.map(({ id }) => id);
}

describe('readRuns', () => {
  beforeAll(async () => {
    const { db } = database;
    await createRun(
      db,
      aRun({ id: 'alpha-1', project: 'lists', tags: ['wide'], name: 'First 100%' }),
    );
    await createRun(db, aRun({ id: 'alpha-2', project: 'lists', name: 'second_try' }));
    await createRun(db, aRun({ id: 'beta-1', project: 'lists', tags: ['deep', 'WIDE'] }));
    await createRun(db, aRun({ id: 'gamma-1', project: 'others' }));
    await finishRun(db, 'beta-1', 'failed', new Date());
  });

  it('lists newest first, pinned before all, by project and status', async () => {
    expect(await idsOf({ project: 'lists' })).toEqual(['beta-1', 'alpha-2', 'alpha-1']);
    expect(await idsOf({ project: 'lists', status: 'running' })).toEqual(['alpha-2', 'alpha-1']);
    expect(await idsOf({ status: 'failed' })).toEqual(['beta-1']);
    await patchRun(database.db, 'alpha-1', { pinned: true });
    expect(await idsOf({ project: 'lists' })).toEqual(['alpha-1', 'beta-1', 'alpha-2']);
    await patchRun(database.db, 'alpha-1', { pinned: false });
  });

  it('finds text in id, name and tags, its characters meant as they are', async () => {
    expect(await idsOf({ q: 'ALPHA' })).toEqual(['alpha-2', 'alpha-1']);
    expect(await idsOf({ q: 'wide' })).toEqual(['beta-1', 'alpha-1']);
    expect(await idsOf({ q: '100%' })).toEqual(['alpha-1']);
    expect(await idsOf({ q: 'd_t' })).toEqual(['alpha-2']);
    expect(await idsOf({ q: '' })).toHaveLength(4);
  });

  it('finds what a regular expression matches, and says what is wrong with one', async () => {
    expect(await idsOf({ q: '/^(alpha|gamma)-1$/' })).toEqual(['gamma-1', 'alpha-1']);
    expect(await idsOf({ q: '/WIDE/' })).toEqual(['beta-1']);
    expect(await idsOf({ q: '/WIDE/i' })).toEqual(['beta-1', 'alpha-1']);
    await expect(idsOf({ q: '/(/' })).rejects.toMatchObject({
      code: 'invalid_query',
      details: [{ path: 'q' }],
    });
  });

  it('pages without repeating or hiding a run while others come and go', async () => {
    const { db } = database;
    const ids = Array.from({ length: 7 }, (_, index) => `page-${index}`);
    for (const id of ids) await createRun(db, aRun({ id, project: 'paged' }));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await readRuns(db, {
        project: 'paged',
        limit: 2,
        ...(cursor === undefined ? {} : { cursor }),
      });
      expect(page.total).toBe(seen.length < 2 ? 7 : 8);
      seen.push(...page.items.map(({ id }) => id));
      if (seen.length === 2) await createRun(db, aRun({ id: 'came-since', project: 'paged' }));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(ids.toReversed());
    for (const bad of ['nonsense', Buffer.from('[true,"never","x"]').toString('base64url')]) {
      await expect(readRuns(db, { limit: 2, cursor: bad })).rejects.toMatchObject({
        code: 'invalid_query',
        details: [{ path: 'cursor' }],
      });
    }
  });

  it('tells how far each run has come along its effective trajectory', async () => {
    const { db } = database;
    const { runKey } = await createRun(db, aRun({ id: 'progress', project: 'progress' }));
    const read = async () => (await readRuns(db, { project: 'progress', limit: 1 })).items[0]!;
    expect(await read()).toMatchObject({
      firstStep: null,
      lastStep: null,
      nextStep: 0,
      lastFrameAt: null,
      lastLoss: null,
      stepsPerSecond: null,
    });
    for (const step of [10, 20, 30]) {
      await post(runKey, 1, step, { loss: step, wallTime: 1000 + step / 4 });
    }
    expect(await read()).toMatchObject({
      firstStep: 10,
      lastStep: 30,
      nextStep: 31,
      lastLoss: 30,
      isLastLossNonFinite: false,
      stepsPerSecond: 4,
    });
    await post(runKey, 1, 31, { loss: NaN });
    expect(await read()).toMatchObject({ lastLoss: null, isLastLossNonFinite: true });
    await post(runKey, 1, 32);
    expect(await read()).toMatchObject({ lastStep: 32, isLastLossNonFinite: true });
    await createRun(db, aRun({ id: 'progress', project: 'progress', resumeFromStep: 25 }));
    expect(await read()).toMatchObject({ attempt: 2, lastStep: 20, nextStep: 25, lastLoss: 20 });
    await post(runKey, 2, 25, { loss: 1 });
    expect(await read()).toMatchObject({ firstStep: 10, lastStep: 25, nextStep: 26, lastLoss: 1 });
    expect(Date.now() - Date.parse((await read()).lastFrameAt!)).toBeLessThan(60_000);
  });

  it('takes the rate of the newest 64 steps, whatever the clock said before', async () => {
    const { db, writer } = database;
    const { runKey } = await createRun(db, aRun({ id: 'rate', project: 'rate' }));
    await writer.write(
      Array.from({ length: 200 }, (_, step) => ({
        runKey,
        attempt: 1,
        layerOffset: 0,
        frame: aFrame(step, { wallTime: step < 136 ? step * 100 : 50_000 + step / 8 }),
      })),
    );
    const { items } = await readRuns(db, { project: 'rate', limit: 1 });
    expect(items[0]!.stepsPerSecond).toBeCloseTo(8, 6);
  });
});

describe('readRun', () => {
  it('tells everything but what was measured', async () => {
    const { db } = database;
    const config = { seed: 7, nested: { list: [1, 'two', null] } };
    const { runKey } = await createRun(db, aRun({ id: 'whole', config, layerCount: 1 }));
    await post(runKey, 1, 5, { layers: { gradient_norm: [1] } });
    await post(runKey, 1, 9, { layers: { gradient_norm: [1] } });
    await createRun(
      db,
      aRun({ id: 'whole', layerCount: 1, resumeFromStep: 4, optimizer: { name: 'sgd' } }),
    );
    expect(await readRun(db, 'whole')).toMatchObject({
      id: 'whole',
      name: 'whole',
      config,
      attempt: 2,
      optimizer: { name: 'sgd' },
      lastStep: null,
      nextStep: 4,
      attempts: [
        { attempt: 1, resumeFromStep: 0, firstStep: 5, lastStep: 9, optimizer: { beta2: 0.95 } },
        { attempt: 2, resumeFromStep: 4, firstStep: null, lastStep: null },
      ],
      layers: [{ index: 0, name: 'layer.0', parameterCount: 100 }],
    });
    await expect(readRun(db, 'nobody')).rejects.toMatchObject({ code: 'run_not_found' });
  });
});

describe('readRunMetrics', () => {
  it('names what was reported, by kind, in the order in which it came', async () => {
    const { db } = database;
    const { runKey } = await createRun(db, aRun({ id: 'metrics' }));
    const histogram = {
      edges: Float32Array.of(0, 1),
      counts: Uint32Array.of(1, 2, 3),
      outside: new Uint32Array(12),
    };
    await post(runKey, 1, 1, { loss: 1, scalars: { z: 1 }, layers: { rms: [1, 2, 3] } });
    await post(runKey, 1, 2, {
      loss: 1,
      scalars: { a: 1 },
      layers: { custom: [1, 2, 3], rms: [1, 2, 3] },
      histograms: { update: histogram },
    });
    const metrics = await readRunMetrics(db, 'metrics');
    expect(metrics.scalars.toSorted()).toEqual(['a', 'loss', 'z']);
    expect(metrics.layerMetrics).toEqual(['rms', 'custom']);
    expect(metrics.histograms).toEqual(['update']);
  });
});

describe('readProjects', () => {
  it('counts runs, and keeps a project whose runs are gone', async () => {
    const { db } = database;
    const { runKey } = await createRun(db, aRun({ id: 'p1', project: 'counted' }));
    await createRun(db, aRun({ id: 'p2', project: 'counted' }));
    await createRun(db, aRun({ id: 'p3', project: 'emptied' }));
    await deleteRun(db, 'p3');
    const find = async (name: string) =>
      (await readProjects(db)).items.find((project) => project.name === name);
    expect(await find('counted')).toEqual({ name: 'counted', runCount: 2, lastFrameAt: null });
    expect(await find('emptied')).toEqual({ name: 'emptied', runCount: 0, lastFrameAt: null });
    await post(runKey, 1, 1);
    expect((await find('counted'))?.lastFrameAt).not.toBeNull();
  });
});
