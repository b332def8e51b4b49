import { describe, expect, it } from 'vitest';
import { describeRestart, prepareMitigations } from '@/lib/view/outlook/mitigations';
import type { RunCondition } from '@/lib/view/outlook/run-condition';
import { aCondition, aLayerNow } from '@/tests/builders/condition';
import { aSpike } from '@/tests/builders/spike';

const judge = (key: string, overrides: Partial<RunCondition> = {}) => {
  const found = prepareMitigations(aCondition(overrides)).find((remedy) => remedy.key === key);
  return `${found?.standing}: ${found?.reason}`;
};
const checkpoint = (step: number) => ({ kind: 'checkpoint' as const, step });
const adam = (beta2: number) => ({ name: 'adamw', beta1: 0.9, beta2, epsilon: 1e-5 });

describe('remedies', () => {
  it('are all judged, those offered first', () => {
    const keys = prepareMitigations(aCondition({ spikes: [aSpike()] })).map(
      ({ key, standing }) => `${standing} ${key}`,
    );
    expect(keys).toEqual([
      'offered wait',
      'unknown learning_rate',
      'unknown warm_up',
      'not_now rewind',
      'not_now clip',
      'not_now beta2',
      'not_now epsilon',
      'not_now reset',
      'not_now batch',
      'not_now beta1',
    ]);
  });

  it('wait while a spike is young, or after one bad batch', () => {
    const last = aSpike({ onsetStep: 318, recoveredStep: 336, recovery: 'fast' });
    expect(judge('wait', { spikes: [last, aSpike()] })).toBe(
      'offered: open for 8 steps; the last spike was fast, 18 steps',
    );
    expect(judge('wait', { spikes: [aSpike()], newestStep: 640 })).toBe(
      'not_now: the spike is open for 88 steps, longer than a fast one',
    );
    const outlier = aSpike({ kind: 'outlier_batch', onsetStep: 555, recovery: 'fast' });
    expect(judge('wait', { spikes: [outlier] })).toBe('offered: step 555 was one bad batch');
    expect(judge('wait')).toBe('not_now: no loss spike is open');
  });

  it('rewind only what did not pass by itself, and far enough', () => {
    const spikes = [aSpike()];
    expect(judge('rewind', { spikes, events: [checkpoint(400), checkpoint(500)] })).toBe(
      'not_now: open for 8 steps, worth it from 50 on; checkpoint 400 is 152 steps before onset',
    );
    const late = { spikes, newestStep: 640 };
    expect(judge('rewind', { ...late, events: [checkpoint(400), checkpoint(600)] })).toBe(
      'offered: checkpoint 400 is 152 steps before onset',
    );
    expect(judge('rewind', { ...late, events: [checkpoint(500)] })).toBe(
      'not_now: checkpoint 500 is only 52 steps before onset, 100 are needed',
    );
    expect(judge('rewind', late)).toMatch(/^unknown: .* no checkpoint before it was posted$/);
    const over = aSpike({ recovery: 'fast', recoveredStep: 558 });
    expect(judge('rewind', { spikes: [over], events: [checkpoint(400)] })).toMatch(/^not_now/);
  });

  it('lower the learning rate for curvature and for spikes that repeat', () => {
    expect(judge('learning_rate', { stability: { step: 540, value: 1.3 } })).toBe(
      'offered: the stability ratio was 1.30 at 540, its limit is 1',
    );
    const spikes = [aSpike({ onsetStep: 318, recovery: 'fast' }), aSpike()];
    const schedule = { newest: 0.001, peak: 0.004, warmUpEndStep: null };
    expect(judge('learning_rate', { spikes, schedule })).toMatch(
      /^offered: 2 loss spikes so far; the rate is 25.% of its peak/,
    );
    expect(judge('learning_rate')).toBe('unknown: needs the curvature, which is not reported');
    expect(judge('learning_rate', { stability: { step: 540, value: 0.5 } })).toMatch(/^not_now/);
  });

  it('lower β2 for RMS spikes and a stale v, unless it is low', () => {
    const rms = { rms: [4.43, 1], belowEpsilon: [], ratioDip: [] };
    expect(judge('beta2', { optimizer: adam(0.999), figures: rms })).toBe(
      'offered: RMS 4.43 in wte. From 0.999 to 0.95 caps RMS at 4.47 instead of 31.6',
    );
    const stale = [aLayerNow({ label: 'stale_v' })];
    expect(judge('beta2', { optimizer: adam(0.999), layers: stale })).toMatch(
      /^offered: v of 1 layer is stale/,
    );
    expect(judge('beta2', { optimizer: adam(0.95), figures: rms })).toBe(
      'not_now: β2 is 0.95 already',
    );
    expect(judge('beta2', { optimizer: { name: 'sgd' } })).toMatch(/^unknown/);
  });

  it('clip updates where RMS spikes can be', () => {
    const spikes = [aSpike({ kind: 'rms_spike', onsetStep: 551, recovery: 'fast' })];
    expect(judge('clip', { spikes })).toBe(
      'offered: 1 RMS spike in the last 200 steps, the last at 551',
    );
    expect(judge('clip', { spikes, optimizer: adam(0.8) })).toBe(
      'not_now: β2 0.8 caps RMS at 2.24 by itself',
    );
    expect(judge('clip')).toBe('not_now: no RMS spike in the last 200 steps');
    expect(judge('clip', { figures: { rms: [NaN], belowEpsilon: [], ratioDip: [] } })).toMatch(
      /^unknown/,
    );
  });

  it('lower ε where ε holds layers down, with a reset where they are armed', () => {
    const figures = { rms: [], belowEpsilon: [0.8, 0.1], ratioDip: [0.04, 0.01] };
    const collapsed = [aLayerNow({ stage: 'update_collapsed' }), aLayerNow({ layer: 1 })];
    expect(judge('epsilon', { figures, layers: collapsed })).toBe(
      'offered: ε 1e−5 holds 1 layer down',
    );
    const armed = [aLayerNow({ stage: 'armed' })];
    expect(judge('epsilon', { figures, layers: armed })).toContain('reset the optimizer’s state');
    expect(judge('reset', { figures, layers: armed })).toBe(
      'offered: 1 layer armed, dip of r up to 0.040',
    );
    expect(judge('reset', { figures, layers: armed, spikes: [aSpike()] })).toMatch(/^not_now/);
    expect(judge('batch', { layers: armed })).toBe('offered: gradients are aligned in 1 layer');
    expect(judge('epsilon')).toBe('not_now: in no layer is half of √v below ε');
  });

  it('lengthen a warm-up that ended in a spike', () => {
    const schedule = { newest: 0.003, peak: 0.003, warmUpEndStep: 540 };
    expect(judge('warm_up', { schedule, spikes: [aSpike()] })).toBe(
      'offered: the spike at 552 came at the end of the warm-up (540)',
    );
    expect(judge('warm_up', { schedule: { ...schedule, warmUpEndStep: 20 } })).toBe(
      'not_now: no spike at the end of the warm-up (20)',
    );
    expect(judge('warm_up')).toMatch(/^unknown: needs the learning rate/);
  });

  it('say what lower β1 would cost', () => {
    expect(judge('beta1')).toBe(
      'not_now: from 0.9 to 0.8 the stability limit of η·λ falls from 38.0 to 18.0',
    );
  });
});

describe('a restart', () => {
  const attempt = (number: number, beta2: number) => ({
    attempt: number,
    resumeFromStep: 0,
    optimizer: adam(beta2),
  });
  it('that changed nothing is pointed out', () => {
    const attempts = [attempt(1, 0.98), attempt(2, 0.98)];
    expect(describeRestart(aCondition({ attempts }))).toContain(
      'Attempt 2 reports the same betas and ε as attempt 1',
    );
  });
  it('that changed a beta is not, nor is a first attempt', () => {
    expect(
      describeRestart(aCondition({ attempts: [attempt(1, 0.98), attempt(2, 0.95)] })),
    ).toBeNull();
    expect(describeRestart(aCondition({ attempts: [attempt(1, 0.98)] }))).toBeNull();
  });
});
