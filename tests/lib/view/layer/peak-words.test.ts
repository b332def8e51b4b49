import { describe, expect, it } from 'vitest';
import {
  cosinesOf,
  describePeakCause,
  peakPlace,
  rememberCosine,
  toLayerOptimizer,
} from '@/lib/view/layer/peak-words';
import { anItem } from '../../../builders/distribution-item';

const ADAM = toLayerOptimizer({ name: 'AdamW', beta1: 0.9, beta2: 0.95 });
const at = (step: number, mean: number | null) => ({ fromStep: step, toStep: step, mean });
const remembered = (mean: number | null, reports = 10) => ({
  mean,
  reports,
  fromStep: 308,
  toStep: 317,
});
const say = (place: number, mean: number | null, optimizer = ADAM) =>
  describePeakCause(place, optimizer, remembered(mean), 0.447);

describe('the cosine that m remembers', () => {
  it('is the mean of the reports in the last 1/(1−β1) steps', () => {
    const points = [
      at(306, -1),
      at(307, 0.9),
      at(308, 0.2),
      at(312, 0.4),
      at(317, 0.6),
      at(318, -1),
    ];
    expect(rememberCosine(points, 317, 0.9)).toEqual({
      mean: expect.closeTo(0.4, 9),
      reports: 3,
      fromStep: 308,
      toStep: 317,
    });
  });

  it('leaves out buckets that reach beyond those steps, and what is not finite', () => {
    const points = [
      { fromStep: 300, toStep: 309, mean: 0.9 },
      at(312, null),
      { fromStep: 316, toStep: 319, mean: 0.9 },
    ];
    expect(rememberCosine(points, 317, 0.9)).toMatchObject({ mean: null, reports: 0 });
  });

  it('is of the step itself where β1 is not known or 0, and never of one before 0', () => {
    expect(rememberCosine([at(316, 0.9), at(317, 0.1)], 317, null).mean).toBe(0.1);
    expect(rememberCosine([at(316, 0.9), at(317, 0.1)], 317, 0).mean).toBe(0.1);
    expect(rememberCosine([at(1, 0.5)], 3, 0.99).fromStep).toBe(0);
  });

  it('comes from the layer’s series, or from beside its distributions', () => {
    const items = [anItem({ step: 317, statistics: { gradient_cosine: 0.3 } })];
    const series = [{ metric: 'gradient_cosine', points: [] }];
    expect(cosinesOf(series, items)).toEqual([]);
    expect(cosinesOf([], items)).toEqual([at(317, 0.3)]);
    expect(cosinesOf([], [anItem()])).toEqual([at(317, null)]);
  });
});

describe('where two peaks stand', () => {
  const mode = (position: number) => ({ position, density: 1, mass: 0.5 });
  it('is their distance from 0, one on each side', () => {
    expect(peakPlace({ modes: [mode(-0.44), mode(0.46)], valleyShare: 0.1 })).toBeCloseTo(0.45);
  });

  it('is nowhere for one peak, two on one side, or two that differ', () => {
    expect(peakPlace({ modes: [mode(0)], valleyShare: null })).toBeNull();
    expect(peakPlace({ modes: [mode(0.1), mode(0.4)], valleyShare: 0.1 })).toBeNull();
    expect(peakPlace({ modes: [mode(-0.1), mode(0.4)], valleyShare: 0.1 })).toBeNull();
    expect(peakPlace({ modes: [], valleyShare: null })).toBeNull();
  });
});

describe('the sentence beside two peaks of r', () => {
  it('says that a correlation explains them, with the numbers', () => {
    expect(say(0.71, 0.5)).toBe(
      'correlated gradients explain the two peaks: a mean lag-1 cosine of 0.50 (10 reports, steps 308–317) puts them between ±0.71 and ±0.82, and they lie at ±0.71',
    );
  });

  it('warns where one large gradient would put them at the same place', () => {
    expect(say(0.45, 0.2)).toMatch(/explain the two peaks: .* look at the steps before its jump$/);
  });

  it('says that a cosine is too small, and which would do', () => {
    expect(say(0.45, -0.86)).toMatch(
      /^correlated gradients do not explain the two peaks: a mean lag-1 cosine of −0\.86 \(10 reports, steps 308–317\) is below the 0\.04\d that any split needs; peaks at ±0\.45 would need about 0\.20$/,
    );
    expect(say(1.1, 0.01)).toContain('beyond ±1');
  });

  it('says that they lie elsewhere', () => {
    expect(say(0.45, 0.8)).toMatch(
      /do not explain .* puts them between ±0\.89 and ±0\.96, and they lie at ±0\.45$/,
    );
  });

  it('says what is missing for an answer', () => {
    expect(say(0.45, null)).toMatch(
      /is not known: no finite lag-1 cosine is stored for steps 308–317/,
    );
    expect(say(0.45, 0.2, toLayerOptimizer({ name: 'adam', beta1: 0.9 }))).toMatch(
      /is not known: the run does not name both β1 and β2$/,
    );
    expect(say(0.45, 0.2, toLayerOptimizer({ name: 'lion', beta1: 0.9, beta2: 0.99 }))).toMatch(
      /is not known: .* optimizer is lion$/,
    );
    expect(say(0.45, 0.2, toLayerOptimizer({ name: 'adam', beta1: 0.9, beta2: 1 }))).toMatch(
      /is not known: the theory has no answer/,
    );
  });

  it('takes peaks without averaging for no sign', () => {
    expect(say(1, 0.2, toLayerOptimizer({ name: 'adam', beta1: 0, beta2: 0.95 }))).toMatch(
      /are no sign of correlated gradients: β1 0 averages/,
    );
  });
});
