import { describe, expect, it } from 'vitest';
import { describeExpectation } from '@/lib/view/outlook/expected-next';
import { describePrecursors, describeRmsReach } from '@/lib/view/outlook/precursors';
import { aCondition, aLayerNow } from '@/tests/builders/condition';
import { aSpike } from '@/tests/builders/spike';

const fast = aSpike({
  id: '1-loss_spike-318',
  onsetStep: 318,
  recoveredStep: 336,
  recovery: 'fast',
});

describe('how far RMS can go', () => {
  const figures = { rms: [1, NaN], belowEpsilon: [], ratioDip: [] };
  const of = (beta2: number | undefined, over = figures) =>
    describeRmsReach(
      aCondition({
        figures: over,
        optimizer: { name: 'adamw', beta1: 0.9, ...(beta2 !== undefined && { beta2 }) },
      }),
    );

  it('is said where β2 keeps it below the level of a spike', () => {
    expect(of(0.8)).toMatch(/^β2 0\.8 caps RMS at 2\.24, below the 2\.3 of a spike: /);
    expect(of(0.81)).toContain('2.29');
  });

  it('is nothing to speak of above 0.811, without a β2, or without an RMS', () => {
    expect(of(0.811)).toBeNull();
    expect(of(0.95)).toBeNull();
    expect(of(undefined)).toBeNull();
    expect(of(0.8, { ...figures, rms: [NaN] })).toBeNull();
  });
});

describe('precursors', () => {
  it('are none in a healthy run', () => {
    expect(describePrecursors(aCondition())).toEqual([]);
  });

  it('are named with their numbers, the nearest to a spike first', () => {
    const found = describePrecursors(
      aCondition({
        layers: [
          aLayerNow({ stage: 'trigger', fromStep: 559 }),
          aLayerNow({ layer: 1, stage: 'correlating' }),
        ],
        figures: { rms: [4.43, 1], belowEpsilon: [], ratioDip: [0.05, 0.01] },
        tenfoldCount: 1,
        stability: { step: 500, value: 1.3 },
      }),
    );
    expect(found).toEqual([
      'The gradient jumped by a decade at 559 in 1 layer that had collapsed.',
      'RMS is 4.43 in wte; a spike is 2.3 or more.',
      'r has two peaks in 1 layer, most in wte (dip 0.050).',
      'The gradient norm is ten times its median in 1 layer.',
      'The stability ratio was 1.30 at 500, beyond its limit of 1.',
      'Gradients of 1 layer point the same way step by step.',
    ]);
  });

  it('do not take two peaks of r during a burst for evidence', () => {
    const figures = { rms: [1], belowEpsilon: [], ratioDip: [0.2] };
    expect(describePrecursors(aCondition({ figures, spikes: [aSpike()] }))).toEqual([]);
  });

  it('take a low RMS for a stale v, and so does the outlook without stages', () => {
    const figures = { rms: [0.06, 1.1, NaN], belowEpsilon: [], ratioDip: [] };
    expect(describePrecursors(aCondition({ figures }))).toEqual([
      'v remembers larger gradients: RMS is below 0.3 in 1 of 2 layers.',
    ]);
    expect(describeExpectation(aCondition({ figures, layers: [] }))).toContain(
      'v of 1 layer decays',
    );
  });

  it('remember an RMS spike for as long as losses follow one', () => {
    const at = (onsetStep: number) =>
      describePrecursors(aCondition({ spikes: [aSpike({ kind: 'rms_spike', onsetStep })] }));
    expect(at(551)).toEqual([
      'RMS spiked at 551, 9 steps ago; losses follow within 8 where they do.',
    ]);
    expect(at(540)).toEqual([]);
  });
});

describe('what the theory expects', () => {
  it('of an open spike is the way back, with the last one as a measure', () => {
    const layers = [aLayerNow({ stage: 'decorrelating', fromStep: 553 })];
    expect(describeExpectation(aCondition({ layers, spikes: [fast, aSpike()] }))).toBe(
      'r is one-peaked again in every layer. The theory expects the loss to fall back; the last spike needed 18 steps. Look again if it is open at step 602.',
    );
    expect(
      describeExpectation(aCondition({ newestStep: 640, layers, spikes: [aSpike()] })),
    ).toContain('It is open for 88 steps, longer than a fast one.');
  });

  it('of layers is said for the worst stage among them', () => {
    const of = (...stages: string[]) =>
      describeExpectation(
        aCondition({ layers: stages.map((stage, layer) => aLayerNow({ layer, stage })) }),
      );
    expect(of('healthy', 'trigger', 'armed')).toContain('the loss to rise on the next step');
    expect(of('armed', 'correlating')).toContain('once the gradient jumps');
    expect(of('correlating', 'update_collapsed')).toContain('split into two peaks');
    expect(of('update_collapsed', 'gradients_vanish')).toContain('gradients of 1 layer to align');
    expect(of('gradients_vanish')).toContain('sink below ε');
    expect(of('recovering')).toContain('1 layer on the way back');
    expect(of('healthy')).toBe(
      'Nothing is under way. The theory’s way to a spike begins with gradients below ε.',
    );
  });

  it('keeps ε out of a stale v', () => {
    const layers = [aLayerNow({ label: 'stale_v', meaning: '' })];
    expect(describeExpectation(aCondition({ layers }))).toContain('ε has no part');
  });

  it('cannot be told without stages, and a NaN does not pass', () => {
    expect(describeExpectation(aCondition({ layers: [] }))).toContain('no layer could be placed');
    expect(describeExpectation(aCondition({ isLossNonFinite: true }))).toContain('not finite');
  });
});
