import { describe, expect, it } from 'vitest';
import { adviceItemSchema, type AdviceAction } from '@/lib/contract/advice';
import type { AdviceFacts } from '@/lib/postmortem/advice/advice-facts';
import { composeAdvice } from '@/lib/postmortem/advice/compose-advice';
import { aWarning, lastColumns, someAdviceFacts } from '@/tests/builders/advice-facts';
import { aStage, anEvent } from '@/tests/builders/postmortem-facts';
import { aSpike } from '@/tests/builders/spike';

function advise(over: Partial<AdviceFacts> = {}) {
  const items = composeAdvice(someAdviceFacts(over));
  for (const item of items) adviceItemSchema.parse(item);
  return items;
}
const actions = (over: Partial<AdviceFacts>) => advise(over).map(({ action }) => action);
const find = (action: AdviceAction, over: Partial<AdviceFacts>) =>
  advise(over).find((item) => item.action === action);

const sgd = { name: 'sgd' };
const armed = [aStage({ stage: 'armed', fromStep: 610 })];
const collapsed = [aStage({ stage: 'update_collapsed', fromStep: 500 })];
const rmsSpike = aSpike({ id: '1-rms_spike-635', kind: 'rms_spike', onsetStep: 635 });
const quiet = { firstMovers: [], moverCount: 0, verdict: 'no_precursor' as const };

it('advises nothing to a healthy run, nor to one of which nothing is known', () => {
  expect(advise()).toEqual([]);
  expect(advise({ columns: { steps: [], scalars: new Map(), layers: new Map() } })).toEqual([]);
});

describe('once the loss is not finite', () => {
  const divergence = aSpike({
    ...{ id: '1-divergence-638', kind: 'divergence', recovery: 'diverged', ...quiet },
    ...{ onsetStep: 638, riseStep: 638, peakStep: null, peakValue: null },
  });
  const gone = { lastLoss: NaN, spikes: [divergence] };

  it('says stop, and nothing else, where there is no checkpoint', () => {
    const stages = [...armed];
    expect(advise({ ...gone, stages })).toMatchObject([
      { id: '1-stop-1-divergence-638', action: 'stop', severity: 'page', sinceStep: 638 },
    ]);
    expect(advise({ ...gone, stages })[0]?.reason).toBe(
      'the loss is not finite since step 638, and no checkpoint before 610 was posted',
    );
  });

  it('goes back to the last checkpoint before the first sign, however near', () => {
    const stages = [aStage({ stage: 'armed', fromStep: 620, toStep: 637 })];
    const events = [600, 630].map((step) => anEvent({ step }));
    const [item, ...others] = advise({ ...gone, stages, events });
    expect(others).toEqual([]);
    expect(item).toMatchObject({
      ...{ action: 'rewind', checkpointStep: 600, spikeId: '1-divergence-638' },
      skipSteps: { fromStep: 620, toStep: 638 },
    });
  });

  it('says it too before the detectors have told of it', () => {
    expect(actions({ lastLoss: Infinity })).toEqual(['stop']);
  });

  it('is over once the loss is finite again', () => {
    expect(advise({ ...gone, lastLoss: 3 })).toEqual([]);
  });
});

describe('a loss spike', () => {
  const spike = aSpike({ ...quiet, onsetStep: 560, riseStep: 560 });
  const events = [anEvent({ step: 450 })];

  it('is waited out for 50 steps', () => {
    expect(find('rewind', { spikes: [spike], events, step: 610 })).toBeUndefined();
  });

  it('is undone from 51 on, from a checkpoint at least 100 steps before it', () => {
    const item = find('rewind', { spikes: [spike], events, step: 611 });
    expect(item).toMatchObject({
      ...{ id: '1-rewind-1-loss_spike-552', severity: 'page', checkpointStep: 450 },
      skipSteps: { fromStep: 560, toStep: 560 },
    });
    expect(item?.reason).toMatch(/has not come back for 51 steps, up from 0\.00480 to 1\.76/);
    const near = [anEvent({ step: 461 })];
    expect(find('rewind', { spikes: [spike], events: near })).toBeUndefined();
    const both = { spikes: [spike], events: [...events, ...near] };
    expect(find('rewind', both)?.checkpointStep).toBe(450);
    expect(find('rewind', { spikes: [spike] })).toBeUndefined();
  });

  it('is not undone by a restart that went back already', () => {
    const attempts = [...someAdviceFacts().attempts, { attempt: 2, resumeFromStep: 450 }];
    const again = { attempt: 2, attempts, spikes: [spike], events, step: 620 };
    expect(actions(again)).toEqual([]);
  });

  it('has its batches left out where a restart has yet to pass them', () => {
    const attempts = [...someAdviceFacts().attempts, { attempt: 2, resumeFromStep: 450 }];
    const known = { ...spike, peakStep: 566, recovery: 'unrecovered' as const };
    expect(find('skip_batch', { attempt: 2, attempts, spikes: [known], step: 455 })).toMatchObject({
      id: '2-skip_batch-1-loss_spike-552',
      skipSteps: { fromStep: 560, toStep: 566 },
    });
    const within = find('skip_batch', { attempt: 2, attempts, spikes: [known], step: 563 });
    expect(within?.skipSteps).toEqual({ fromStep: 564, toStep: 566 });
    expect(actions({ attempt: 2, attempts, spikes: [known], step: 566 })).toEqual([]);
  });

  it('with nothing before it is probed as the data’s, with an end', () => {
    const sudden = { spikes: [spike], step: 563 };
    expect(find('skip_batch', sudden)).toMatchObject({ skipSteps: { fromStep: 564, toStep: 568 } });
    expect(find('skip_batch', { ...sudden, step: 571 })).toBeUndefined();
    const announced = [aSpike({ onsetStep: 560, riseStep: 560 })];
    expect(find('skip_batch', { ...sudden, spikes: announced })).toBeUndefined();
  });

  it('that comes again asks for a lower rate, once a spike', () => {
    const first = aSpike({ ...quiet, id: 'first', onsetStep: 300, recovery: 'fast' });
    const second = aSpike({ ...quiet, id: 'second', onsetStep: 600, recovery: 'fast' });
    expect(find('lower_learning_rate', { spikes: [second] })).toBeUndefined();
    expect(find('lower_learning_rate', { spikes: [first, second] })).toMatchObject({
      ...{ id: '1-lower_learning_rate-second', factor: 0.75, forSteps: null },
      reason: '2 loss spikes so far, the last two at 300 and 600',
    });
    expect(find('lower_learning_rate', { spikes: [first, second], step: 801 })).toBeUndefined();
  });

  it('names the incident that tells of it', () => {
    const incidents = new Map([[spike.id, 'incident-7']]);
    expect(find('rewind', { spikes: [spike], events, incidents })?.incidentId).toBe('incident-7');
  });
});

describe('before the loss moves', () => {
  it('a checkpoint is saved while layers are on the way, unless one is fresh', () => {
    const item = find('save_checkpoint', { stages: armed });
    expect(item).toMatchObject({ id: '1-save_checkpoint-6', severity: 'warn', sinceStep: 610 });
    expect(item?.reason).toMatch(/1 armed since 610; no checkpoint of this attempt was posted/);
    expect(find('save_checkpoint', { stages: collapsed })?.severity).toBe('note');
    const saved = (step: number) => ({ stages: armed, events: [anEvent({ step })] });
    expect(find('save_checkpoint', saved(540))).toBeUndefined();
    expect(find('save_checkpoint', saved(539))?.reason).toMatch(/the last checkpoint is 539/);
    expect(
      find('save_checkpoint', { stages: armed, spikes: [aSpike({ onsetStep: 630 })] }),
    ).toBeUndefined();
  });

  it('a trigger asks for a tenth of the rate until v has forgotten it', () => {
    const stages = [0, 2].map((layer) => aStage({ layer, stage: 'trigger', fromStep: 639 }));
    const columns = lastColumns({ rms: [4.1, 9, 2.5] });
    const item = find('lower_learning_rate', { stages, columns });
    expect(item).toMatchObject({ factor: 0.1, forSteps: 20, severity: 'warn' });
    expect(item?.reason).toBe(
      'the gradient jumped by a decade at 639 in transformer.wte.weight and lm_head.weight, RMS up to 4.10',
    );
    const slow = { name: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    expect(find('lower_learning_rate', { stages, columns, optimizer: slow })?.forSteps).toBe(100);
    expect(find('lower_learning_rate', { stages, columns, step: 648 })).toBeUndefined();
  });

  it('curvature beyond its limit asks for the rate that brings it back, within bounds', () => {
    const factorAt = (peakValue: number) =>
      find('lower_learning_rate', { warnings: [aWarning({ peakValue })] })?.factor;
    expect([1.05, 1.6, 5].map(factorAt)).toEqual([0.9, 0.62, 0.5]);
    expect(
      find('lower_learning_rate', { warnings: [aWarning({ kind: 'curvature_doubled' })] }),
    ).toBeUndefined();
  });
});

describe('the optimizer', () => {
  const spiking = lastColumns({ rms: [1, 3.4, 1] });

  it('clips updates once RMS has spiked, or a layer is armed', () => {
    expect(find('clip_updates', { columns: spiking, spikes: [rmsSpike] })).toMatchObject({
      ...{ id: '1-clip_updates-rms', value: 1, forSteps: null, sinceStep: 635 },
      reason: 'RMS 3.40 in h.0.mlp',
    });
    expect(find('clip_updates', { spikes: [rmsSpike] })?.reason).toBe(
      '1 RMS spike in the last 200 steps, the last at 635',
    );
    expect(find('clip_updates', { stages: armed })?.reason).toMatch(/RMS may reach 4\.47/);
  });

  it('is not clipped for a large RMS of start-up, or of a small tensor alone', () => {
    expect(find('clip_updates', { columns: spiking })).toBeUndefined();
    const early = { columns: spiking, spikes: [rmsSpike] };
    expect(find('clip_updates', { ...early, watchedFromStep: 636 })).toBeUndefined();
    expect(find('clip_updates', { ...early, watchedFromStep: null })).toBeUndefined();
    const layers = ['wte', 'ln_1.bias', 'head'].map((name) => ({ name, parameterCount: 64 }));
    expect(find('clip_updates', { ...early, layers })?.reason).toMatch(/^1 RMS spike in the last/);
  });

  it('is not asked for what it cannot do', () => {
    const stale = lastColumns({
      rms: [3, 3, 3],
      ratio_dip: [0.08, 0, 0],
      second_moment_below_epsilon_fraction: [0.9, 0, 0],
    });
    const all = { columns: stale, stages: armed, spikes: [rmsSpike] };
    expect(actions(all).sort()).toEqual([
      'clip_updates',
      'lower_epsilon',
      'reset_optimizer_state',
      'save_checkpoint',
    ]);
    expect(actions({ ...all, optimizer: sgd })).toEqual(['save_checkpoint']);
    const capped = { name: 'adamw', beta1: 0.9, beta2: 0.8, epsilon: 1e-8 };
    expect(actions({ ...all, optimizer: capped })).not.toContain('clip_updates');
    const clips = { name: 'stableadamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8 };
    expect(actions({ ...all, optimizer: clips })).not.toContain('clip_updates');
    const without = { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 0 };
    expect(actions({ ...all, optimizer: without })).not.toContain('lower_epsilon');
  });

  it('is reset for layers that armed, each time once, and not during a spike', () => {
    const columns = lastColumns({ ratio_dip: [0.08, 0.05, 0.01] });
    const stages = [
      aStage({ stage: 'armed', fromStep: 610 }),
      aStage({ stage: 'armed', fromStep: 620, layer: 1 }),
    ];
    const items = advise({ columns, stages }).filter(
      ({ action }) => action === 'reset_optimizer_state',
    );
    expect(items.map(({ id, layers, forSteps }) => [id, layers, forSteps])).toEqual([
      ['1-reset_optimizer_state-610', [{ index: 0, name: 'transformer.wte.weight' }], 150],
      ['1-reset_optimizer_state-620', [{ index: 1, name: 'transformer.h.0.mlp.weight' }], 150],
    ]);
    const burst = { columns, stages, spikes: [aSpike({ onsetStep: 630 })] };
    expect(find('reset_optimizer_state', burst)).toBeUndefined();
  });

  it('has ε lowered below the gradients of the layers that it holds down', () => {
    const columns = lastColumns({
      second_moment_below_epsilon_fraction: [0.9, 0.1, 0.1],
      gradient_rms: [3e-10, 1e-4, 1e-4],
    });
    const item = find('lower_epsilon', { columns, stages: collapsed });
    expect(item).toMatchObject({ severity: 'note', layers: [{ index: 0 }] });
    expect(item?.value).toBeCloseTo(1e-12, 20);
    expect(find('lower_epsilon', { columns })).toBeUndefined();
    const spikes = [aSpike({ onsetStep: 630 })];
    expect(find('lower_epsilon', { columns, stages: collapsed, spikes })).toBeUndefined();
  });
});

it('puts the most urgent first and keeps its ids while numbers move', () => {
  const over = {
    spikes: [aSpike({ onsetStep: 560, riseStep: 560 }), rmsSpike],
    events: [anEvent({ step: 400 })],
    columns: lastColumns({ rms: [2.9, 1, 1] }),
  };
  const now = advise(over);
  const later = advise({ ...over, step: 650, columns: lastColumns({ rms: [2.5, 1, 1] }) });
  expect(now.map(({ action }) => action)).toEqual(['rewind', 'clip_updates']);
  expect(later.map(({ id }) => id)).toEqual(now.map(({ id }) => id));
  expect(later.map(({ reason }) => reason)).not.toEqual(now.map(({ reason }) => reason));
});

it('leaves out what the job says that it did', () => {
  const columns = lastColumns({ rms: [2.9, 1, 1] });
  const events = [anEvent({ id: '1-clip_updates-rms', step: 640, kind: 'hyperparameter' })];
  const spikes = [rmsSpike];
  expect(actions({ columns, spikes })).toEqual(['clip_updates']);
  expect(actions({ columns, spikes, events })).toEqual([]);
});

it('never says that one thing caused another', () => {
  const everything = {
    columns: lastColumns({
      rms: [3, 3, 3],
      ratio_dip: [0.08, 0, 0],
      second_moment_below_epsilon_fraction: [0.9, 0, 0],
    }),
    stages: [...armed, aStage({ layer: 1, stage: 'trigger', fromStep: 639 })],
    warnings: [aWarning()],
    spikes: [rmsSpike],
  };
  const text = JSON.stringify(advise(everything));
  expect(text).not.toMatch(/caus|because|due to/i);
  expect(advise(everything).length).toBeGreaterThanOrEqual(6);
});
