import { expect, it } from 'vitest';
import type { AlertCondition } from '@/lib/contract/alert-rules';
import { STAGES_BY_SEVERITY } from '@/lib/contract/stages';
import { missingColumn } from '@/lib/contract/missing-value';
import type { AlertStep } from '@/lib/alerts/rule-fold';
import { aStep, aThreshold, foldAll } from '@/tests/builders/alerts';
import { aSpike } from '@/tests/builders/spike';
import { seededRandom } from '@/tests/seeded-random';

/** Two hundred steps with excursions, gaps, NaN, missing layers and stages that come and go. */
function someSteps(random: () => number): AlertStep[] {
  let level = 2;
  let step = 0;
  return Array.from({ length: 200 }, () => {
    step += random() < 0.1 ? 3 : 1;
    level = random() < 0.08 ? 2 + 6 * random() : 0.7 * level + 0.3 * 2;
    const loss = random() < 0.02 ? NaN : level + 0.1 * random();
    const column = missingColumn(4);
    for (let layer = 0; layer < 4; layer++) {
      if (random() < 0.8) column[layer] = random() < 0.03 ? Infinity : level * (1 + random());
    }
    const stage = STAGES_BY_SEVERITY[Math.floor(random() * STAGES_BY_SEVERITY.length)] ?? 'healthy';
    return {
      ...aStep(step, random() < 0.9 ? { scalars: { loss } } : {}),
      layerMetrics: new Map(random() < 0.9 ? [['rms', column] as const] : []),
      stageChanges: random() < 0.2 ? [{ layer: Math.floor(random() * 4), stage }] : [],
      rmsStarting: random() < 0.1 ? [Math.floor(random() * 4)] : [],
    };
  });
}

const CONDITIONS: readonly AlertCondition[] = [
  aThreshold({ limit: 4, clear: 3, openAfter: 2, closeAfter: 3 }),
  aThreshold({ metric: 'rms', layers: '.', limit: 7, openAfter: 2, closeAfter: 4 }),
  {
    ...{ kind: 'z_score', metric: 'loss', side: 'either', z: 5, window: 32 },
    ...{ openAfter: 1, closeAfter: 3 },
  },
  {
    ...{ kind: 'z_score', metric: 'rms', layers: '.', side: 'above', z: 4, window: 16 },
    ...{ openAfter: 2, closeAfter: 2 },
  },
  { kind: 'non_finite', closeAfter: 5 },
  { kind: 'stage', stage: 'correlating', minimumLayers: 2, closeAfter: 3 },
  { kind: 'rms_spike', minimumLayers: 1, closeAfter: 4 },
  { kind: 'loss_spike', outlierBatches: true },
];

it.each(CONDITIONS.map((condition) => [condition.kind, condition] as const))(
  'a rule on %s finds the same however its steps are split',
  (_, condition) => {
    let found = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const random = seededRandom(seed);
      const steps = someSteps(random);
      const spikes = [20, 70, 71, 150].map((onsetStep) =>
        aSpike({
          ...{ id: `1-loss_spike-${onsetStep}`, onsetStep, confirmedStep: onsetStep + 4 },
          recoveredStep: onsetStep === 150 ? null : onsetStep + 9,
        }),
      );
      // What is known of them once a step was looked at.
      const findings = (step: number) => ({
        spikes: spikes
          .filter(({ confirmedStep }) => (confirmedStep ?? 0) <= step)
          .map((spike) => ({
            ...spike,
            recoveredStep: (spike.recoveredStep ?? Infinity) <= step ? spike.recoveredStep : null,
          })),
        warnings: [],
      });
      const whole = foldAll(condition, steps, { findings });
      found += whole.length;
      const splits = steps.flatMap((_step, index) => (random() < 0.3 ? [index] : []));
      expect(foldAll(condition, steps, { findings, splits })).toEqual(whole);
      const everywhere = steps.map((_step, index) => index);
      expect(foldAll(condition, steps, { findings, splits: everywhere })).toEqual(whole);
    }
    expect(found).toBeGreaterThan(12);
  },
);
