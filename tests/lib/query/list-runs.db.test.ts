import { beforeAll, describe, expect, it } from 'vitest';
import { readRunSettings } from '@/lib/query/read-run-settings';
import { readRuns } from '@/lib/query/read-runs';
import { readTags } from '@/lib/query/read-tags';
import { prepareRunStatus } from '@/lib/view/runs/run-status';
import { createRun } from '@/lib/store/runs/create-run';
import { deleteRun, finishRun, patchRun } from '@/lib/store/runs/runs';
import { aFrame, type FrameParts } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';

const database = useDatabase();

function frameOf(runKey: string, step: number, parts: FrameParts = {}) {
  return { runKey, attempt: 1, layerOffset: 0, frame: aFrame(step, parts) };
}

async function idsOf(query: Partial<Parameters<typeof readRuns>[1]>): Promise<string[]> {
  const { items } = await readRuns(database.db, { limit: 100, ...query });
  return items.map(({ id }) => id);
}

describe('readRuns by conditions and order', () => {
  const ofProject = (query: Partial<Parameters<typeof readRuns>[1]>) =>
    idsOf({ project: 'ordered', ...query });

  beforeAll(async () => {
    const { db, writer } = database;
    const start = async (id: string, over: Parameters<typeof aRun>[0] = {}) => {
      const { runKey } = await createRun(db, aRun({ id, project: 'ordered', ...over }));
      return runKey;
    };
    const fast = await start('fast', { name: 'Beta', tags: ['a,b', 'keep'] });
    const slow = await start('slow', { name: 'alpha', tags: ['keep'] });
    const lost = await start('lost', { name: 'gamma' });
    await createRun(db, aRun({ id: 'gamma-1', project: 'others' }));
    await start('idle', { name: 'delta' });
    await writer.write(
      [0, 1, 2].flatMap((step) => [
        frameOf(fast, step, { loss: 3 - step, wallTime: step / 8 }),
        frameOf(slow, step * 10, { loss: 9, wallTime: step * 400 }),
      ]),
    );
    await writer.write([frameOf(lost, 5, { loss: NaN })]);
    await finishRun(db, 'lost', 'failed', new Date());
    const spike = (runKey: string, id: string, over: object) =>
      db.prisma.spike.create({
        data: {
          ...{ runKey, id, attempt: 1, kind: 'loss_spike', onsetStep: 1n, recovery: 'fast' },
          ...{ firstMovers: [], verdict: 'no_precursor', ...over },
        },
      });
    await spike(fast, 's1', {});
    await spike(fast, 's2', { kind: 'outlier_batch' });
    await spike(fast, 's3', { kind: 'divergence' });
    await spike(slow, 's1', { recovery: 'open', onsetStep: 20n });
    await spike(lost, 's1', { kind: 'rms_spike', recovery: 'open' });
    await db.prisma.stageInterval.createMany({
      data: [
        { runKey: fast, attempt: 1, layer: 0, fromStep: 0n, toStep: 1n, stage: 'armed' },
        { runKey: fast, attempt: 1, layer: 0, fromStep: 2n, stage: 'healthy' },
        { runKey: fast, attempt: 1, layer: 1, fromStep: 0n, stage: 'healthy' },
        { runKey: fast, attempt: 1, layer: 2, fromStep: 0n, stage: 'recovering' },
        { runKey: slow, attempt: 1, layer: 0, fromStep: 0n, stage: 'correlating' },
      ],
    });
  });

  it('sorts by every column either way, what is not known last', async () => {
    expect(await ofProject({ sort: 'created' })).toEqual(['fast', 'slow', 'lost', 'idle']);
    expect(await ofProject({ sort: 'name' })).toEqual(['slow', 'fast', 'idle', 'lost']);
    expect(await ofProject({ sort: '-name' })).toEqual(['lost', 'idle', 'fast', 'slow']);
    expect(await ofProject({ sort: 'step' })).toEqual(['fast', 'lost', 'slow', 'idle']);
    expect(await ofProject({ sort: '-step' })).toEqual(['slow', 'lost', 'fast', 'idle']);
    expect(await ofProject({ sort: '-loss' })).toEqual(['lost', 'slow', 'fast', 'idle']);
    expect((await ofProject({ sort: 'loss' })).slice(0, 2)).toEqual(['fast', 'slow']);
    expect((await ofProject({ sort: '-speed' })).slice(0, 2)).toEqual(['fast', 'slow']);
    expect((await ofProject({ sort: '-spikes' })).slice(0, 2)).toEqual(['slow', 'fast']);
    expect((await ofProject({ sort: '-stage' })).slice(0, 2)).toEqual(['slow', 'fast']);
    expect(await ofProject({ sort: '-heard' })).toEqual(
      expect.arrayContaining(['fast', 'slow', 'lost', 'idle']),
    );
    expect((await ofProject({ sort: '-heard' })).at(-1)).toBe('idle');
    expect(await ofProject({ sort: 'state' })).toEqual(['slow', 'fast', 'idle', 'lost']);
    expect((await idsOf({ sort: '-project' }))[0]).toBe('gamma-1');
  });

  it('keeps pinned runs first in every order', async () => {
    await patchRun(database.db, 'idle', { pinned: true });
    expect((await ofProject({ sort: '-loss' }))[0]).toBe('idle');
    await patchRun(database.db, 'idle', { pinned: false });
  });

  it.each(['name', '-loss', 'step', '-spikes', 'state', '-project'] as const)(
    'pages in the order of %s as it lists in one piece',
    async (sort) => {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await readRuns(database.db, {
          ...{ project: 'ordered', sort, limit: 1 },
          ...(cursor === undefined ? {} : { cursor }),
        });
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor;
      } while (cursor !== undefined && seen.length < 10);
      expect(seen).toEqual(await ofProject({ sort }));
    },
  );

  it('refuses a cursor of another order', async () => {
    const { db } = database;
    const { nextCursor } = await readRuns(db, { project: 'ordered', limit: 1, sort: 'name' });
    await expect(
      readRuns(db, { limit: 1, sort: 'step', cursor: nextCursor! }),
    ).rejects.toMatchObject({ code: 'invalid_query', details: [{ path: 'cursor' }] });
  });

  it('tells live, stale and waiting runs apart as the pages do', async () => {
    const { db } = database;
    const shown = async () => {
      const { items } = await readRuns(db, { project: 'ordered', limit: 10 });
      return new Map(items.map((run) => [run.id, prepareRunStatus(run, Date.now()).kind]));
    };
    expect(await ofProject({ state: ['live'] })).toEqual(['slow', 'fast']);
    expect(await ofProject({ state: ['waiting', 'failed'] })).toEqual(['idle', 'lost']);
    // Four seconds a step make a run stale after a minute, 400 seconds after 4,000.
    await db.pool.query(
      `UPDATE step SET received_at = received_at - interval '90 seconds'
       WHERE run IN (SELECT run FROM run WHERE id IN ('fast', 'slow'))`,
    );
    expect(await ofProject({ state: ['stale'] })).toEqual(['fast']);
    expect(await ofProject({ state: ['live'] })).toEqual(['slow']);
    expect((await shown()).get('fast')).toBe('stale');
    expect((await shown()).get('slow')).toBe('live');
  });

  it('filters by tags, all of them, and by spikes', async () => {
    expect(await ofProject({ tags: ['keep'] })).toEqual(['slow', 'fast']);
    expect(await ofProject({ tags: ['keep', 'a,b'] })).toEqual(['fast']);
    expect(await ofProject({ spikes: 'any' })).toEqual(['slow', 'fast']);
    expect(await ofProject({ spikes: 'open' })).toEqual(['slow']);
    const { items } = await readRuns(database.db, { spikes: 'open', limit: 1 });
    expect(items[0]!.openSpike).toEqual({ id: 's1', kind: 'loss_spike', onsetStep: 20 });
    expect(await ofProject({ spikes: 'none' })).toEqual(['idle', 'lost']);
  });

  it('lists the runs that are named, where the other conditions hold', async () => {
    expect(await idsOf({ ids: ['idle', 'gamma-1', 'nobody'] })).toEqual(['idle', 'gamma-1']);
    expect(await ofProject({ ids: ['idle', 'gamma-1'] })).toEqual(['idle']);
    expect(await idsOf({ ids: [] })).toEqual([]);
  });

  it('takes what an attempt left open for over once another replays its steps', async () => {
    const { db } = database;
    await createRun(db, aRun({ id: 'slow', project: 'ordered', resumeFromStep: 15 }));
    expect(await ofProject({ spikes: 'open' })).toEqual([]);
    expect(await ofProject({ sort: 'step' })).toEqual(['fast', 'lost', 'slow', 'idle']);
    const { items } = await readRuns(db, { project: 'ordered', limit: 10, q: 'slow' });
    expect(items[0]).toMatchObject({ lastStep: 10, openSpikeCount: 0, openSpike: null });
  });

  it('searches project and notes too', async () => {
    await patchRun(database.db, 'idle', { notes: 'Warm-up was too short.' });
    expect(await ofProject({ q: 'warm-up' })).toEqual(['idle']);
    expect(await idsOf({ q: '/^order/' })).toEqual(['idle', 'lost', 'slow', 'fast']);
  });

  it('counts by project and by status, those of a closed group too', async () => {
    const { db } = database;
    const query = { q: '/^(ordered|others)$/', limit: 10 };
    const all = await readRuns(db, query);
    expect(all).toMatchObject({ total: 5, statuses: { running: 4, failed: 1 } });
    expect(all.projects).toEqual([
      { name: 'ordered', runCount: 4 },
      { name: 'others', runCount: 1 },
    ]);
    const closed = await readRuns(db, { ...query, excludeProjects: ['ordered'] });
    expect(closed.items.map(({ id }) => id)).toEqual(['gamma-1']);
    expect(closed).toMatchObject({ total: 5, projects: all.projects });
  });

  it('says of each run what was found, where its layers stand and what a stage lacks', async () => {
    const { db } = database;
    const { items } = await readRuns(db, { project: 'ordered', limit: 10, q: 'fast' });
    expect(items[0]).toMatchObject({
      spikeCount: 2,
      openSpikeCount: 0,
      findingCounts: { loss_spike: 1, outlier_batch: 1, divergence: 1 },
      worstStage: 'recovering',
      layersByStage: { healthy: 2, recovering: 1 },
    });
    expect(items[0]!.missingStageInputs).toContain('gradient_cosine');
    const { runKey } = await createRun(
      db,
      aRun({ id: 'told', project: 'told', optimizer: { name: 'adamw', beta1: 0.9 } }),
    );
    const layers = { gradient_rms: [1, 1, 1], update_std: [1, 1, 1], ratio_std: [1, 1, 1] };
    await database.writer.write([frameOf(runKey, 1, { layers })]);
    const told = await readRuns(db, { project: 'told', limit: 1 });
    expect(told.items[0]!.missingStageInputs).toEqual([
      'second_moment_below_epsilon_fraction',
      'update_dip',
      'ratio_dip',
      'gradient_cosine',
      'epsilon',
    ]);
    await createRun(db, aRun({ id: 'loss-only', project: 'told', layerCount: 0 }));
    const lossOnly = await readRuns(db, { project: 'told', limit: 1 });
    expect(lossOnly.items[0]!.missingStageInputs).toEqual([]);
  });
});

describe('spikes that were open when their attempt ended', () => {
  const ofProject = (query: Partial<Parameters<typeof readRuns>[1]>) =>
    idsOf({ project: 'endings', ...query });

  beforeAll(async () => {
    const { db } = database;
    const start = async (id: string, ...resumes: number[]) => {
      const { runKey } = await createRun(db, aRun({ id, project: 'endings' }));
      await db.prisma.spike.create({
        data: {
          ...{ runKey, id: 's1', attempt: 1, kind: 'loss_spike', onsetStep: 20n },
          ...{ recovery: 'open', firstMovers: [], verdict: 'no_precursor' },
        },
      });
      for (const resumeFromStep of resumes) {
        // A resume while the newest attempt has no frames is that attempt.
        await database.writer.write([frameOf(runKey, resumeFromStep + 10)]);
        await createRun(db, aRun({ id, project: 'endings', resumeFromStep }));
      }
    };
    await start('going-on');
    await start('over');
    await finishRun(db, 'over', 'failed', new Date());
    await start('left-behind', 30);
    await start('replayed', 15);
    await start('replayed-and-over', 15);
    await finishRun(db, 'replayed-and-over', 'finished', new Date());
  });

  it('never recovered, unless a later attempt replayed them, and are open no more', async () => {
    expect(await ofProject({ spikes: 'open' })).toEqual(['going-on']);
    expect(await ofProject({ spikes: 'never_recovered' })).toEqual(['left-behind', 'over']);
    expect(await ofProject({ spikes: 'any' })).toHaveLength(5);
  });

  it('are counted as the filter finds them', async () => {
    const { items } = await readRuns(database.db, { project: 'endings', limit: 10 });
    const counts = items.map(({ id, openSpikeCount, neverRecoveredCount }) => [
      id,
      [openSpikeCount, neverRecoveredCount],
    ]);
    expect(Object.fromEntries(counts)).toEqual({
      'going-on': [1, 0],
      over: [1, 1],
      'left-behind': [1, 1],
      replayed: [0, 0],
      'replayed-and-over': [0, 0],
    });
  });

  it('do not outweigh others in the order by spikes; one that goes on does', async () => {
    expect((await ofProject({ sort: '-spikes' }))[0]).toBe('going-on');
  });
});

describe('readTags', () => {
  it('counts the runs of each tag, of all projects or of one', async () => {
    const { db } = database;
    await createRun(db, aRun({ id: 't1', project: 'tagged', tags: ['x', 'y', 'x'] }));
    await createRun(db, aRun({ id: 't2', project: 'tagged', tags: ['y'] }));
    expect(await readTags(db, 'tagged')).toEqual({
      items: [
        { name: 'y', runCount: 2 },
        { name: 'x', runCount: 1 },
      ],
    });
    expect((await readTags(db)).items.map(({ name }) => name)).toContain('keep');
    await deleteRun(db, 't2');
    expect((await readTags(db, 'tagged')).items[0]).toEqual({ name: 'x', runCount: 1 });
  });
});

describe('readRunSettings', () => {
  it('tells the config and the optimizer of every attempt', async () => {
    const { db } = database;
    const config = { lr: 0.003, model: { depth: 8 } };
    await createRun(db, aRun({ id: 'settings', config, layerCount: 2 }));
    await createRun(
      db,
      aRun({ id: 'settings', layerCount: 2, resumeFromStep: 7, optimizer: { name: 'sgd' } }),
    );
    expect(await readRunSettings(db, 'settings')).toEqual({
      id: 'settings',
      config,
      layerCount: 2,
      attempts: [
        {
          ...{ attempt: 1, resumeFromStep: 0 },
          optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
        },
        { attempt: 2, resumeFromStep: 7, optimizer: { name: 'sgd' } },
      ],
    });
    await expect(readRunSettings(db, 'nobody')).rejects.toMatchObject({ code: 'run_not_found' });
  });
});
