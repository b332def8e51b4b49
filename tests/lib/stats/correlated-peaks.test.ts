import { describe, expect, it } from 'vitest';
import {
  explainPeaks,
  leastSplittingCosine,
  placeCorrelatedPeaks,
} from '@/lib/stats/correlated-peaks';
import { peaks as simulated } from '@/tests/fixtures/statistics/correlated-peaks.json';

/** Made with NumPy by tests/fixtures/statistics/correlated_peaks.py. */
const split = simulated.filter(({ place }) => place > 0);
const whole = simulated.filter(({ place }) => place === 0);
const NEW_AND_OLD = { beta1: 0.9, beta2: 0.95 };

describe('the peaks that a lag-1 cosine makes', () => {
  it.each(split.filter(({ burst }) => burst === 1))(
    'explain those of a $spread drift of $size at β $beta1, $beta2',
    ({ place, cosine, beta1, beta2 }) => {
      expect(explainPeaks(place, cosine, { beta1, beta2 })).toBe('explained');
      const found = placeCorrelatedPeaks(cosine, { beta1, beta2 })!;
      expect(place).toBeGreaterThan(found.nearest - 0.08);
      expect(place).toBeLessThan(found.farthest + 0.08);
    },
  );

  it.each(split.filter(({ burst }) => burst > 1))(
    'are no explanation of one gradient that outweighs the history (β2 $beta2)',
    ({ place, cosine, beta1, beta2 }) => {
      expect(place).toBeGreaterThan(0.4);
      expect(explainPeaks(place, cosine, { beta1, beta2 })).toBe('too_weak');
    },
  );

  it.each(whole.filter(({ spread }) => spread === 'fixed'))(
    'are none where a drift of $size leaves one peak',
    ({ cosine, beta1, beta2 }) => {
      expect(placeCorrelatedPeaks(cosine, { beta1, beta2 })).toBeNull();
    },
  );

  it('lie farther out the larger the cosine, never beyond 1, the nearest first', () => {
    let before = 0;
    for (let cosine = 0.05; cosine < 1; cosine += 0.05) {
      const { nearest, farthest } = placeCorrelatedPeaks(cosine, NEW_AND_OLD)!;
      expect(nearest).toBeGreaterThan(before);
      expect(farthest).toBeGreaterThanOrEqual(nearest);
      expect(farthest).toBeLessThan(1);
      before = nearest;
    }
  });

  it('are at the root of the cosine once they are apart', () => {
    expect(placeCorrelatedPeaks(0.5, NEW_AND_OLD)!.nearest).toBeCloseTo(Math.sqrt(0.5), 6);
    expect(placeCorrelatedPeaks(0.9, NEW_AND_OLD)!.nearest).toBeCloseTo(Math.sqrt(0.9), 6);
  });

  it('are not those that lie elsewhere', () => {
    expect(explainPeaks(0.45, 0.8, NEW_AND_OLD)).toBe('elsewhere');
    expect(explainPeaks(0.9, 0.2, NEW_AND_OLD)).toBe('elsewhere');
    expect(explainPeaks(1.16, 0.5, NEW_AND_OLD)).toBe('elsewhere');
  });

  it('are at ±1 for gradients that never change', () => {
    expect(explainPeaks(1, 1, NEW_AND_OLD)).toBe('explained');
    expect(explainPeaks(0.45, 1, NEW_AND_OLD)).toBe('elsewhere');
  });

  it('are none of a cosine below 0', () => {
    expect(explainPeaks(0.45, -0.9, NEW_AND_OLD)).toBe('too_weak');
    expect(explainPeaks(0.45, 0, NEW_AND_OLD)).toBe('too_weak');
  });
});

describe('the smallest cosine that splits r', () => {
  it.each([
    [0.9, 0.048],
    [0.95, 0.024],
    [0.8, 0.095],
  ])('is at β1 = %s %s', (beta1, cosine) => {
    expect(leastSplittingCosine({ beta1, beta2: 0.95 })).toBeCloseTo(cosine, 2);
  });

  it('goes on being one as β2 nears 1', () => {
    const least = leastSplittingCosine({ beta1: 0.9, beta2: 1 - 1e-9 })!;
    expect(least).toBeGreaterThan(0.04);
    expect(least).toBeLessThan(0.06);
    expect(explainPeaks(0.7, 0.5, { beta1: 0.9, beta2: 1 - 1e-9 })).toBe('explained');
  });

  it('is asked of no beta that is none, and of no β1 that averages next to nothing', () => {
    for (const [beta1, beta2] of [
      [0, 0.95],
      [0.5, 0.95],
      [1, 0.95],
      [0.9, 1],
      [0.9, -0.1],
      [NaN, 0.95],
      [0.9, NaN],
    ] as const) {
      expect(leastSplittingCosine({ beta1, beta2 })).toBeNull();
      expect(placeCorrelatedPeaks(0.5, { beta1, beta2 })).toBeNull();
    }
  });
});

it('noise alone may split r where β1 is 0.5 or less', () => {
  expect(explainPeaks(0.9, 0.5, { beta1: 0, beta2: 0.95 })).toBe('any_noise');
  expect(explainPeaks(0.9, null, { beta1: 0.5, beta2: null })).toBe('any_noise');
});

it.each([
  ['no cosine', 0.45, null, 0.9, 0.95],
  ['a cosine that is not a number', 0.45, NaN, 0.9, 0.95],
  ['a cosine above 1', 0.45, 1.2, 0.9, 0.95],
  ['no place', null, 0.5, 0.9, 0.95],
  ['a place that is not a number', NaN, 0.5, 0.9, 0.95],
  ['a place without end', Infinity, 0.5, 0.9, 0.95],
  ['no β1', 0.45, 0.5, null, 0.95],
  ['no β2', 0.45, 0.5, 0.9, null],
  ['a β2 of 1', 0.45, 0.5, 0.9, 1],
] as const)('nothing is known with %s', (_, place, cosine, beta1, beta2) => {
  expect(explainPeaks(place, cosine, { beta1, beta2 })).toBe('unknown');
});
