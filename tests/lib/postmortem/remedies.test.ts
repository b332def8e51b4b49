import { describe, expect, it } from 'vitest';
import type { PostmortemFacts } from '@/lib/postmortem/facts';
import { findRemedies } from '@/lib/postmortem/remedies';
import { describeRewind, findRewind } from '@/lib/postmortem/rewind';
import {
  aStage,
  anAttempt,
  anEvent,
  someColumns,
  someFacts,
} from '@/tests/builders/postmortem-facts';
import { aSpike } from '@/tests/builders/spike';

const judge = (key: string, overrides: Partial<PostmortemFacts> = {}) => {
  const found = findRemedies(someFacts(overrides)).find((remedy) => remedy.key === key);
  return `${found?.standing}: ${found?.reason}`;
};
const lost = aSpike({ recovery: 'unrecovered' });

describe('the checkpoint to go back to', () => {
  it('is the last before the first sign, not merely before onset', () => {
    const spike = aSpike({
      firstMovers: [{ layer: 0, metric: 'rms', step: 544, leadSteps: 8, z: 9 }],
    });
    const events = [420, 540, 548].map((step) => anEvent({ step }));
    expect(findRewind(someFacts({ spike, events }))).toMatchObject({
      firstSignStep: 544,
      checkpoint: { attempt: 1, step: 540 },
    });
  });

  it('lies before layers were armed, and says what was under way there already', () => {
    const stages = [
      aStage({ stage: 'update_collapsed', fromStep: 405, toStep: 499 }),
      aStage({ stage: 'armed', fromStep: 500 }),
    ];
    const events = [410, 520].map((step) => anEvent({ step }));
    const { checkpoint, text } = findRewind(someFacts({ stages, events }));
    expect(checkpoint).toMatchObject({ step: 410 });
    expect(text).toMatch(/1 layer had small or collapsed updates there already/);
  });

  it('is none that a later restart left behind', () => {
    const events = [
      anEvent({ step: 300 }),
      anEvent({ step: 500 }),
      anEvent({ step: 450, attempt: 2 }),
    ];
    const attempts = [anAttempt(), anAttempt({ attempt: 2, resumeFromStep: 400 })];
    const spike = aSpike({ attempt: 2, firstMovers: [], verdict: 'no_precursor' });
    expect(findRewind(someFacts({ attempts, events, spike })).checkpoint).toMatchObject({
      attempt: 2,
      step: 450,
    });
    const before = { ...spike, riseStep: 440, onsetStep: 440 };
    expect(findRewind(someFacts({ attempts, events, spike: before })).checkpoint).toMatchObject({
      attempt: 1,
      step: 300,
    });
  });

  it('is told with the one to take where it is too near', () => {
    const events = [430, 500].map((step) => anEvent({ step }));
    expect(describeRewind(someFacts({ events })).text).toBe(
      'Checkpoint 500 of attempt 1 is the last before the first sign at 552. It lies only 52 steps before onset; checkpoint 430, 122 steps before, is far enough.',
    );
    expect(describeRewind(someFacts({ events: [anEvent({ step: 430 })] })).text).toBe(
      'Checkpoint 430 of attempt 1 is the last before the first sign at 552.',
    );
  });

  it('is none where none was posted', () => {
    expect(findRewind(someFacts()).checkpoint).toBeNull();
  });
});

describe('remedies after a spike', () => {
  it('rewind only what did not pass by itself, from far enough', () => {
    expect(judge('rewind')).toBe('not_now: it passed by itself');
    expect(judge('rewind', { spike: lost })).toMatch(/^unknown: needs a checkpoint before 551/);
    expect(judge('rewind', { spike: lost, events: [anEvent({ step: 430 })] })).toBe(
      'offered: checkpoint 430 lies 122 steps before onset, before the first sign',
    );
    expect(judge('rewind', { spike: lost, events: [anEvent({ step: 500 })] })).toMatch(/^not_now/);
    // The nearest is too near, the one before it is not.
    const both = [anEvent({ step: 430 }), anEvent({ step: 500 })];
    expect(judge('rewind', { spike: lost, events: both })).toMatch(/^offered: checkpoint 430/);
  });

  it('wait where waiting was enough', () => {
    expect(judge('wait')).toBe('offered: it was over by itself after 10 steps');
    expect(judge('wait', { spike: lost })).toBe('not_now: it did not recover');
    const young = {
      spike: aSpike(),
      attempts: [anAttempt({ lastStep: 580 })],
      columns: { ...someColumns(), steps: someColumns().steps.slice(0, 181) },
    };
    expect(judge('wait', young)).toBe(
      'unknown: it has been open for 28 steps, and may yet be a fast one',
    );
    expect(judge('wait', { spike: aSpike() })).toBe('not_now: it has been open for 148 steps');
    const run = { ...someFacts().run, isRunning: false };
    expect(judge('wait', { ...young, run })).toBe(
      'not_now: its attempt ended 28 steps after onset',
    );
    // What is open has not passed.
    expect(judge('skip', young)).toMatch(/^not_now: it is open/);
    expect(judge('skip', { spike: aSpike() })).toMatch(/^offered: steps 551 to 553/);
  });

  it('skip one bad batch, or what lies between the first sign and the end', () => {
    const outlier = aSpike({ kind: 'outlier_batch', recovery: 'fast', recoveredStep: 553 });
    expect(judge('skip', { spike: outlier })).toBe(
      'offered: the batch of step 552 alone stands out',
    );
    expect(judge('skip', { spike: lost })).toMatch(/^offered: steps 551 to 553/);
    const columns = someColumns({ scalars: { data_index: () => 1 } });
    expect(judge('skip', { spike: lost, columns })).toBe('not_now: every step read the same batch');
  });

  it('skip batches where an attempt that did so passed without, even of a spike that passed', () => {
    const steps = Array.from({ length: 100 }, (_, index) => 520 + index);
    const calm = new Float64Array(steps.length).fill(0.005);
    const known = {
      others: [{ attempt: 2, steps, loss: calm, gradientNorm: calm }],
      attempts: [anAttempt(), anAttempt({ attempt: 2, resumeFromStep: 520 })],
      events: [anEvent({ step: 550, attempt: 2, kind: 'batch_skip', title: 'batches 550 to 600' })],
    };
    const words =
      'offered: attempt 2 skipped some (batches 550 to 600) and passed these steps without a spike';
    expect(judge('skip')).toBe('not_now: it passed without');
    expect(judge('skip', known)).toBe(words);
    expect(judge('skip', { ...known, spike: lost })).toBe(words);
    expect(judge('skip', { ...known, events: [] })).toBe('not_now: it passed without');
    const again = aSpike({ id: 'again', attempt: 2, onsetStep: 553 });
    expect(judge('skip', { ...known, spikes: [again] })).toBe('not_now: it passed without');
    const outlier = aSpike({ kind: 'outlier_batch', recovery: 'fast', recoveredStep: 553 });
    const same = aSpike({ ...outlier, id: 'same', attempt: 2 });
    expect(judge('skip', { ...known, spike: outlier, spikes: [same] })).toMatch(/alone stands out/);
  });

  it('look at the optimizer as it stood before the loss rose', () => {
    const columns = someColumns({
      layers: { rms: (step, layer) => (layer === 2 && step === 551 ? 4.4 : 1) },
    });
    expect(judge('clip', { columns })).toBe('offered: RMS 4.40 in h.1.mlp');
    // What the burst itself did is not judged.
    const after = someColumns({ layers: { rms: (step) => (step >= 570 ? 4.4 : 1) } });
    expect(judge('clip', { columns: after })).toBe('not_now: no RMS spike in the last 200 steps');
    const armed = [aStage({ stage: 'armed', fromStep: 540 })];
    const dips = someColumns({ layers: { ratio_dip: () => 0.05 } });
    expect(judge('reset', { stages: armed, columns: dips })).toBe(
      'offered: 1 layer armed, dip of r up to 0.050',
    );
  });
});
