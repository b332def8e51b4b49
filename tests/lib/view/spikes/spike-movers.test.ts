import { describe, expect, it } from 'vitest';
import {
  describeMovers,
  describeOpenNorm,
  leadOfSpike,
  firstMoverSteps,
} from '@/lib/view/spikes/spike-movers';
import { aSpike } from '@/tests/builders/spike';

const names = ['wte', 'wpe'];
const norm = { metric: 'gradient_norm', step: 550, leadSteps: 2, z: 8 };
const byNorm = aSpike({ firstMovers: [], globalMovers: [norm], chanceSteps: null });

describe('a spike that only the gradient norm announced', () => {
  it('says so, with what the layers did', () => {
    expect(describeMovers(byNorm, names)).toBe(
      'Only the gradient norm of the whole model left its baseline at 550, 2 steps before the loss rose; no layer moved.',
    );
    const withLayer = {
      ...byNorm,
      firstMovers: [{ layer: 1, metric: 'gradient_rms', step: 552, leadSteps: 0, z: 9 }],
    };
    expect(describeMovers(withLayer, names)).toBe(
      'Only the gradient norm of the whole model left its baseline at 550, 2 steps before the loss rose; 1 layer moved with the loss.',
    );
    expect(leadOfSpike(withLayer)).toBe(2);
  });

  it('says nothing of layers where the run has none', () => {
    expect(describeMovers(byNorm, [])).toBe(
      'The gradient norm of the whole model left its baseline at 550, 2 steps before the loss rose.',
    );
  });

  it('is told beside the layers while it is open', () => {
    expect(describeOpenNorm([byNorm])).toContain('no layer moved first');
    expect(describeOpenNorm([{ ...byNorm, recovery: 'fast' }])).toBeNull();
    expect(describeOpenNorm([aSpike()])).toBeNull();
  });
});

it('what a precursor is worth follows it: how often something moves before nothing', () => {
  const said = (precursorChance: number | null, chanceSteps: number | null) =>
    describeMovers(aSpike({ precursorChance, chanceSteps }), names);
  expect(said(0.021, 380)).toBe(
    'wte left its baseline at 551, one step before the loss rose. Something moved before 2\u202f% of 380 quiet steps too.',
  );
  expect(said(0, 380)).toMatch(/Nothing moved before any of 380 quiet steps\.$/);
  expect(said(0.5, 40)).toMatch(/before the loss rose\.$/);
  expect(said(null, null)).toMatch(/before the loss rose\.$/);
});

it('without a precursor there is no lead', () => {
  expect(leadOfSpike(aSpike({ verdict: 'no_precursor' }))).toBeNull();
  expect(leadOfSpike(aSpike())).toBe(1);
});

it('layers are ranked by the spike that is looked at, else by the last', () => {
  const mover = (layer: number, step: number) => ({
    layer,
    metric: 'rms',
    step,
    leadSteps: 1,
    z: null,
  });
  const spikes = [
    aSpike({ onsetStep: 318, firstMovers: [mover(3, 317), mover(3, 315), mover(1, 316)] }),
    aSpike({ onsetStep: 552, firstMovers: [mover(0, 551)] }),
  ];
  expect([...firstMoverSteps(spikes, { fromStep: 300, toStep: 340 })]).toEqual([
    [3, 315],
    [1, 316],
  ]);
  expect([...firstMoverSteps(spikes, null)]).toEqual([[0, 551]]);
  expect(firstMoverSteps([], null).size).toBe(0);
});
