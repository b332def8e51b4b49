import { describe, expect, it } from 'vitest';
import { createRun } from '@/lib/store/runs/create-run';
import { findRunContext } from '@/lib/store/runs/run-context';
import { findLayers } from '@/lib/store/runs/layers';
import { findTrajectoryEnd } from '@/lib/store/runs/trajectory';
import { finishRun } from '@/lib/store/runs/runs';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';

const database = useDatabase();

async function post(runKey: string, attempt: number, step: number): Promise<void> {
  await database.writer.write([{ runKey, attempt, layerOffset: 0, frame: aFrame(step) }]);
}

describe('createRun', () => {
  it('makes a run with its first attempt', async () => {
    const { db } = database;
    const created = await createRun(db, aRun({ id: 'fresh', layerCount: 2 }));
    expect(created).toMatchObject({ id: 'fresh', attempt: 1, nextStep: 0, isNew: true });
    const context = await findRunContext(db, 'fresh');
    expect(context).toMatchObject({
      runKey: created.runKey,
      project: 'tests',
      status: 'running',
      newestAttempt: 1,
      layerCount: 2,
      attempts: [{ attempt: 1, resumeFromStep: 0, optimizer: { name: 'adamw', beta1: 0.9 } }],
    });
    expect(context?.parameterCounts).toEqual(Float64Array.of(100, 101));
  });

  it('gives the same run again, and where it stands', async () => {
    const { db } = database;
    const { runKey } = await createRun(db, aRun({ id: 'again' }));
    await post(runKey, 1, 41);
    expect(await createRun(db, aRun({ id: 'again' }))).toMatchObject({
      attempt: 1,
      nextStep: 42,
      isNew: false,
      isNewAttempt: false,
    });
  });

  it('names a run that has no id, each time another', async () => {
    const first = await createRun(database.db, aRun());
    const second = await createRun(database.db, aRun());
    expect(first.isNew && second.isNew).toBe(true);
    expect(first.id).not.toBe(second.id);
  });

  it('is made once by many ranks that ask at once', async () => {
    const all = await Promise.all(
      Array.from({ length: 12 }, () => createRun(database.db, aRun({ id: 'ranks' }))),
    );
    expect(all.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(all.map(({ attempt }) => attempt))).toEqual(new Set([1]));
    const resumed = await Promise.all(
      Array.from({ length: 12 }, () =>
        createRun(database.db, aRun({ id: 'ranks', resumeFromStep: 5 })),
      ),
    );
    expect(resumed.filter(({ isNewAttempt }) => isNewAttempt)).toHaveLength(1);
    expect(new Set(resumed.map(({ attempt }) => attempt))).toEqual(new Set([2]));
  });

  it('says which layers differ', async () => {
    const { db } = database;
    const { layers } = aRun({ layerCount: 2 });
    await createRun(db, aRun({ id: 'layers', layers }));
    const changed = [layers[0]!, { ...layers[1]!, parameterCount: 5 }];
    await expect(createRun(db, aRun({ id: 'layers', layers: changed }))).rejects.toMatchObject({
      code: 'layers_differ',
      details: [{ path: 'layers.1.parameterCount', message: 'expected 101, got 5' }],
    });
    await expect(
      createRun(db, aRun({ id: 'layers', layers: layers.slice(0, 1) })),
    ).rejects.toMatchObject({
      code: 'layers_differ',
      details: [{ path: 'layers', message: 'expected the 2 layers that the run has, got 1' }],
    });
  });

  it('refuses an id that another project has', async () => {
    await createRun(database.db, aRun({ id: 'taken' }));
    await expect(
      createRun(database.db, aRun({ id: 'taken', project: 'another' })),
    ).rejects.toMatchObject({ code: 'id_taken' });
  });

  it('keeps what a layer said and what it left out', async () => {
    const layers = [
      { name: 'scalar', parameterCount: 1, shape: [] },
      { name: 'plain', parameterCount: 2 ** 40 },
      { name: 'full', kind: 'linear', depth: 3, parameterCount: 6, shape: [2, 3] },
    ];
    const { runKey } = await createRun(database.db, aRun({ id: 'kept', layers }));
    expect(await findLayers(database.db, runKey)).toEqual(
      layers.map((layer, index) => ({ index, ...layer })),
    );
  });

  it('takes a run of thousands of layers', async () => {
    const { runKey } = await createRun(database.db, aRun({ id: 'large', layerCount: 5000 }));
    const context = await findRunContext(database.db, 'large');
    expect(context?.runKey).toBe(runKey);
    expect(context?.parameterCounts.at(-1)).toBe(5099);
  });
});

describe('a resume', () => {
  it('opens an attempt with an optimizer of its own and takes over the steps before it', async () => {
    const { db } = database;
    const { runKey } = await createRun(db, aRun({ id: 'resume' }));
    await post(runKey, 1, 99);
    const optimizer = { name: 'adamw', beta1: 0.8, epsilon: 1e-6 };
    expect(
      await createRun(db, aRun({ id: 'resume', optimizer, resumeFromStep: 50 })),
    ).toMatchObject({ attempt: 2, nextStep: 50, isNew: false, isNewAttempt: true });
    const context = await findRunContext(db, 'resume');
    expect(context?.attempts.map(({ optimizer: kept }) => kept.beta1)).toEqual([0.9, 0.8]);
    // The first attempt reached 99, but from 50 on it no longer counts.
    expect(await findTrajectoryEnd(db, context!)).toBeNull();
    await post(runKey, 1, 30);
    expect(await findTrajectoryEnd(db, context!)).toBe(30);
    await post(runKey, 2, 50);
    expect(await findTrajectoryEnd(db, context!)).toBe(50);
    expect(await createRun(db, aRun({ id: 'resume' }))).toMatchObject({ attempt: 2, nextStep: 51 });
  });

  it('returns the newest attempt while it has no frames and starts at the same step', async () => {
    const { db } = database;
    const resume = (resumeFromStep: number) =>
      createRun(db, aRun({ id: 'repeat', resumeFromStep }));
    const { runKey } = await createRun(db, aRun({ id: 'repeat' }));
    await post(runKey, 1, 10);
    expect(await resume(8)).toMatchObject({ attempt: 2, isNewAttempt: true });
    expect(await resume(8)).toMatchObject({ attempt: 2, isNewAttempt: false });
    expect(await resume(6)).toMatchObject({ attempt: 3 });
    await post(runKey, 3, 6);
    expect(await resume(6)).toMatchObject({ attempt: 4 });
  });

  it('starts a run that is not there yet in the middle', async () => {
    expect(await createRun(database.db, aRun({ id: 'middle', resumeFromStep: 700 }))).toMatchObject(
      {
        attempt: 1,
        nextStep: 700,
        isNew: true,
      },
    );
    expect(await createRun(database.db, aRun({ id: 'middle' }))).toMatchObject({ nextStep: 700 });
  });

  it('reopens a run that was finished', async () => {
    const { db } = database;
    await createRun(db, aRun({ id: 'reopened' }));
    await finishRun(db, 'reopened', 'failed', new Date());
    await createRun(db, aRun({ id: 'reopened' }));
    expect(await findRunContext(db, 'reopened')).toMatchObject({ status: 'failed' });
    await createRun(db, aRun({ id: 'reopened', resumeFromStep: 0 }));
    expect(await findRunContext(db, 'reopened')).toMatchObject({ status: 'running' });
  });
});
