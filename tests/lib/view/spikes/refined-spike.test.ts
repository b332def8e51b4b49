import { expect, it } from 'vitest';
import type { Reevaluation } from '@/lib/contract/reads';
import { refineSpike } from '@/lib/view/spikes/refined-spike';
import { aSpike } from '@/tests/builders/spike';

const reevaluation: Reevaluation = {
  standsOut: true,
  onsetStep: 553,
  riseStep: 554,
  peakStep: 560,
  peakValue: 2,
  baseline: 0.005,
  recovery: 'slow',
  excessArea: 12,
  levelShift: 0.001,
  samplesBefore: 128,
  samplesAfter: 128,
};
const moved = { layer: 0, metric: 'rms', z: 9 };
const spike = aSpike({
  firstMovers: [
    { ...moved, step: 551, leadSteps: 1 },
    { ...moved, layer: 1, step: 556, leadSteps: -4 },
  ],
  globalMovers: [{ metric: 'gradient_norm', step: 550, leadSteps: 2, z: 8 }],
});

it('a spike that was looked at again is shown by its better dates, leads from its better rise', () => {
  expect(refineSpike({ ...spike, reevaluation })).toEqual({
    ...spike,
    onsetStep: 553,
    riseStep: 554,
    peakStep: 560,
    peakValue: 2,
    baseline: 0.005,
    recovery: 'slow',
    excessArea: 12,
    levelShift: 0.001,
    firstMovers: [{ ...moved, step: 551, leadSteps: 3 }],
    globalMovers: [{ metric: 'gradient_norm', step: 550, leadSteps: 4, z: 8 }],
    reevaluation,
  });
});

it('one that was not, or does not stand out then, is shown as it was told', () => {
  expect(refineSpike(spike)).toBe(spike);
  const doubted = { ...spike, reevaluation: { ...reevaluation, standsOut: false } };
  expect(refineSpike(doubted)).toBe(doubted);
});
