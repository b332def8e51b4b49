import { beforeAll, expect, it } from 'vitest';
import { readRuns } from '@/lib/query/read-runs';
import { readSpike } from '@/lib/query/read-spike';
import { readSpikes } from '@/lib/query/read-spikes';
import { readStages } from '@/lib/query/read-stages';
import { createRun } from '@/lib/store/runs/create-run';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';

const database = useDatabase();
const mover = { layer: 1, metric: 'rms', step: 90, leadSteps: 10, z: null };

beforeAll(async () => {
  const { db } = database;
  const { runKey } = await createRun(db, aRun({ id: 'run' }));
  await createRun(db, aRun({ id: 'run', resumeFromStep: 150 }));
  const spike = {
    runKey,
    attempt: 1,
    kind: 'loss_spike',
    onsetStep: 100n,
    recovery: 'fast',
    firstMovers: [mover],
    verdict: 'precursor_found',
  };
  await db.prisma.spike.createMany({
    data: [
      { ...spike, id: 'late', onsetStep: 200n, attempt: 2, recovery: 'open', peakValue: NaN },
      { ...spike, id: 'early', confirmedStep: 101n, peakStep: 103n, peakValue: 9, baseline: 2 },
      { ...spike, id: 'hidden', onsetStep: 160n, kind: 'rms_spike' },
    ],
  });
  const interval = { runKey, attempt: 1, layer: 0, stage: 'S1', label: null };
  await db.prisma.stageInterval.createMany({
    data: [
      { ...interval, fromStep: 0n, toStep: 99n },
      { ...interval, fromStep: 100n, toStep: null, stage: 'S3', label: 'STALE_V' },
      { ...interval, attempt: 2, fromStep: 150n, toStep: 170n },
    ],
  });
});

it('lists spikes by onset, of all attempts or of the effective trajectory', async () => {
  const { db } = database;
  const idsOf = async (query: object) => {
    const { items } = await readSpikes(db, 'run', { attempt: 'all', limit: 10, ...query });
    return items.map(({ id }) => id);
  };
  expect(await idsOf({})).toEqual(['early', 'hidden', 'late']);
  expect(await idsOf({ attempt: 'effective' })).toEqual(['early', 'late']);
  expect(await idsOf({ kind: 'rms_spike' })).toEqual(['hidden']);
  expect(await idsOf({ limit: 1 })).toEqual(['early']);
});

it('tells one spike whole, its missing values as null', async () => {
  const { db } = database;
  expect(await readSpike(db, 'run', 'early')).toEqual({
    id: 'early',
    attempt: 1,
    kind: 'loss_spike',
    onsetStep: 100,
    confirmedStep: 101,
    peakStep: 103,
    peakValue: 9,
    baseline: 2,
    recoveredStep: null,
    recovery: 'fast',
    firstMovers: [mover],
    riseStep: null,
    excessArea: null,
    levelShift: null,
    moverCount: null,
    globalMovers: [],
    precursorChance: null,
    chanceSteps: null,
    reevaluation: null,
    verdict: 'precursor_found',
  });
  expect(await readSpike(db, 'run', 'late')).toMatchObject({ peakValue: null, recovery: 'open' });
  await expect(readSpike(db, 'run', 'none')).rejects.toMatchObject({ code: 'spike_not_found' });
});

it('counts loss spikes and divergences in the list of runs, no RMS spikes', async () => {
  const { items } = await readRuns(database.db, { limit: 1 });
  expect(items).toMatchObject([{ spikeCount: 2, openSpikeCount: 1 }]);
});

it('lists the stages that touch a range, open ones too', async () => {
  const { db } = database;
  const read = async (query: object) => {
    const { items } = await readStages(db, 'run', { attempt: 'all', ...query });
    return items.map(({ attempt, fromStep }) => `${attempt}/${fromStep}`);
  };
  expect(await read({})).toEqual(['1/0', '1/100', '2/150']);
  expect(await read({ fromStep: 99, toStep: 99 })).toEqual(['1/0']);
  expect(await read({ fromStep: 5000 })).toEqual(['1/100']);
  expect(await read({ attempt: 'effective', fromStep: 140 })).toEqual(['1/100', '2/150']);
});
