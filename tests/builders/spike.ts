import type { Spike } from '@/lib/contract/reads';

/** A loss spike that opened at 552 and is open, with one layer a step ahead of it. */
export function aSpike(overrides: Partial<Spike> = {}): Spike {
  return {
    id: '1-loss_spike-552',
    attempt: 1,
    kind: 'loss_spike',
    onsetStep: 552,
    confirmedStep: 554,
    riseStep: 552,
    peakStep: 553,
    peakValue: 1.76,
    baseline: 0.0048,
    recoveredStep: null,
    recovery: 'open',
    excessArea: null,
    levelShift: null,
    firstMovers: [{ layer: 0, metric: 'rms', step: 551, leadSteps: 1, z: 9 }],
    moverCount: 1,
    globalMovers: [],
    verdict: 'precursor_found',
    precursorChance: 0.01,
    chanceSteps: 300,
    reevaluation: null,
    ...overrides,
  };
}
