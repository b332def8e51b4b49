import { beforeAll, describe, expect, it } from 'vitest';
import type { Spike } from '@/lib/contract/reads';
import { createRun } from '@/lib/store/runs/create-run';
import {
  type Findings,
  findDetectorState,
  findRunsBehind,
  findWatchedSteps,
  saveFindings,
} from '@/lib/store/findings/findings';
import { STAGE_EVIDENCE } from '@/lib/contract/stages';
import { readStages } from '@/lib/query/read-stages';
import { scanRmsSpikeSteps } from '@/lib/store/findings/rms-spike-steps';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { finishRun } from '@/lib/store/runs/runs';
import { findSpike, findSpikes } from '@/lib/store/findings/spikes';
import { findExplainedIntervals } from '@/lib/store/findings/stages';
import { findWarnings } from '@/lib/store/findings/warnings';
import { aRun } from '@/tests/builders/run';
import { aSpike } from '@/tests/builders/spike';
import { useDatabase } from '@/tests/database';

const database = useDatabase();
const runKey = runKeyOf('run');
const everything = [{ attempt: 1, fromStep: 0, toStep: 1_000_000 }];

beforeAll(async () => {
  await createRun(database.db, aRun({ id: 'run' }));
});

const save = (findings: Partial<Findings>): Promise<boolean> =>
  saveFindings(database.db, {
    runKey,
    attempt: 1,
    rewindTo: null,
    spikes: [],
    warnings: [],
    rmsSpikeSteps: [],
    stageChanges: [],
    state: null,
    ...findings,
  });

const found = (spike: Spike, isInherited = false) => ({ spike, isInherited });

const warning = {
  id: '1-curvature_doubled-40',
  attempt: 1,
  kind: 'curvature_doubled',
  fromStep: 40,
  toStep: null,
  peakStep: 60,
  peakValue: 0.8,
  learningRate: null,
} as const;

async function starts(): Promise<[number, number][]> {
  const seen: [number, number][] = [];
  await scanRmsSpikeSteps(database.db, runKey, everything[0]!, (step, layer) => {
    seen.push([step, layer]);
  });
  return seen;
}

describe('findings', () => {
  it('of a spike are read as they were written, and written over by later words', async () => {
    const spike = aSpike({
      globalMovers: [{ metric: 'gradient_norm', step: 550, leadSteps: 2, z: 7.5 }],
    });
    await save({ spikes: [found(spike)] });
    expect(await findSpike(database.db, runKey, spike.id)).toEqual(spike);
    const later: Spike = {
      ...spike,
      recoveredStep: 570,
      recovery: 'fast',
      excessArea: 3.5,
      levelShift: -0.01,
      reevaluation: {
        standsOut: true,
        onsetStep: 551,
        riseStep: 552,
        peakStep: 553,
        peakValue: 1.76,
        baseline: 0.005,
        recovery: 'fast',
        excessArea: 3.6,
        levelShift: null,
        samplesBefore: 128,
        samplesAfter: 90,
      },
    };
    await save({ spikes: [found(later)] });
    expect(await findSpike(database.db, runKey, spike.id)).toEqual(later);

    const selection = { segments: everything, kind: spike.kind, limit: 10 };
    expect(await findSpikes(database.db, runKey, selection)).toEqual([later]);
    const withoutMovers = { ...later, firstMovers: [], globalMovers: [], reevaluation: null };
    expect(await findSpikes(database.db, runKey, { ...selection, withMovers: false })).toEqual([
      withoutMovers,
    ]);
  });

  it('that an older attempt would have told of are changed, never added', async () => {
    const known = aSpike({ id: '1-loss_spike-100' });
    await save({ spikes: [found(known)] });
    const unknown = aSpike({ id: '1-loss_spike-101' });
    await save({
      spikes: [found({ ...known, recovery: 'slow' }, true), found(unknown, true)],
    });
    expect((await findSpike(database.db, runKey, known.id))?.recovery).toBe('slow');
    expect(await findSpike(database.db, runKey, unknown.id)).toBeNull();
  });

  it('of warnings and of RMS that begins to spike are read in order of steps', async () => {
    await save({
      warnings: [warning, { ...warning, id: 'b', fromStep: 10, toStep: 20 }],
      rmsSpikeSteps: [
        { step: 30, layers: [4, 1] },
        { step: 70, layers: [1] },
      ],
    });
    await save({ warnings: [{ ...warning, toStep: 80, peakValue: 0.9 }] });
    const selection = { segments: everything, limit: 10 };
    expect(await findWarnings(database.db, runKey, selection)).toEqual([
      { ...warning, id: 'b', fromStep: 10, toStep: 20 },
      { ...warning, toStep: 80, peakValue: 0.9 },
    ]);
    const late = [{ attempt: 1, fromStep: 50, toStep: 90 }];
    const touching = await findWarnings(database.db, runKey, { segments: late, limit: 10 });
    expect(touching.map(({ id }) => id)).toEqual([warning.id]);
    expect(await starts()).toEqual([
      [30, 4],
      [30, 1],
      [70, 1],
    ]);
  });

  it('after the step that detection starts over from are withdrawn', async () => {
    await save({ rewindTo: 35 });
    expect(await starts()).toEqual([
      [30, 4],
      [30, 1],
    ]);
    const left = await findWarnings(database.db, runKey, { segments: everything, limit: 10 });
    expect(left.map(({ id }) => id)).toEqual(['b']);
  });

  it('of a run that is gone are not written', async () => {
    const other = runKeyOf('nobody');
    expect(await save({ runKey: other, spikes: [found(aSpike())] })).toBe(false);
    expect(await findSpike(database.db, other, aSpike().id)).toBeNull();
  });
});

describe('the state of detectors', () => {
  it('says from where spikes would have been seen, and whether the end was taken in', async () => {
    const { db } = database;
    await db.pool.query(
      `INSERT INTO step (run, attempt, step, scalar_ids, scalar_values) VALUES ($1, 1, 9, '{}', '{}')`,
      [runKey],
    );
    expect(await findRunsBehind(db)).toEqual(['run']);
    const state = { step: 9, bytes: Uint8Array.of(1, 2), watchedFromStep: 4, isConcluded: false };
    await save({ state });
    expect(await findDetectorState(db, runKey, 1)).toEqual({
      step: 9,
      bytes: Buffer.from([1, 2]),
    });
    expect(await findWatchedSteps(db, runKey)).toEqual(new Map([[1, 4]]));
    expect(await findRunsBehind(db)).toEqual([]);
    await finishRun(db, 'run', 'finished', new Date());
    // It ended and its detectors have not been told: a worker died in between.
    expect(await findRunsBehind(db)).toEqual(['run']);
    await save({ state: { ...state, isConcluded: true } });
    expect(await findRunsBehind(db)).toEqual([]);
  });

  it('of stages are read with the numbers that decided them, NaN where one is not known', async () => {
    const evidence = STAGE_EVIDENCE.map((name, index) => (name === 'rms' ? NaN : index / 8));
    const change = { layer: 2, label: null };
    await save({
      stageChanges: [
        { ...change, step: 5, stage: 'healthy', evidence },
        { ...change, step: 9, stage: 'trigger', evidence: null },
      ],
    });
    const found = await database.db.readSnapshot((snapshot) =>
      findExplainedIntervals(snapshot, runKey, everything, 2),
    );
    expect(found).toEqual([
      {
        interval: { ...change, attempt: 1, stage: 'healthy', fromStep: 5, toStep: 8 },
        evidence,
      },
      {
        interval: { ...change, attempt: 1, stage: 'trigger', fromStep: 9, toStep: null },
        evidence: null,
      },
    ]);
    const { items } = await readStages(database.db, 'run', { attempt: 'all', layer: 2 });
    expect(items[0]).toMatchObject({ stage: 'healthy', evidence: { updateStd: 3 / 8, rms: null } });
    expect(items[1]?.evidence).toBeNull();
    const ofAll = await readStages(database.db, 'run', { attempt: 'all' });
    expect(ofAll.items.filter(({ layer }) => layer === 2)).toHaveLength(2);
    expect(ofAll.items.some((item) => 'evidence' in item)).toBe(false);
  });
});
