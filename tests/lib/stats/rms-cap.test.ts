import { describe, expect, it } from 'vitest';
import { gradientGrowthOfRms, isRmsLevelOutOfReach, rmsCap } from '@/lib/stats/rms-cap';
import { rms as simulated } from '@/tests/fixtures/statistics/correlated-peaks.json';

describe('RMS after all gradients have grown', () => {
  // Made with NumPy by tests/fixtures/statistics/correlated_peaks.py.
  it.each(simulated)('by $growth at β2 $beta2 keeps its cap', ({ beta2, rms }) => {
    expect(rms).toBeLessThanOrEqual(rmsCap(beta2)! + 1e-6);
  });

  it.each(simulated.filter(({ growth }) => growth > 1000))(
    'without end at β2 $beta2 is at it',
    ({ beta2, rms }) => {
      expect(rmsCap(beta2)! - rms).toBeLessThan(1e-4);
    },
  );

  it.each(simulated.filter(({ growth }) => growth < 1000))(
    'by $growth at β2 $beta2 tells how much',
    ({ growth, beta2, rms }) => {
      expect(gradientGrowthOfRms(rms, beta2)! / growth).toBeCloseTo(1, 3);
    },
  );
});

describe('the level of a spike', () => {
  it('is out of reach below β2 = 0.811', () => {
    expect(isRmsLevelOutOfReach(0.81)).toBe(true);
    expect(isRmsLevelOutOfReach(0.8109)).toBe(true);
    expect(isRmsLevelOutOfReach(0.811)).toBe(false);
    expect(isRmsLevelOutOfReach(0.95)).toBe(false);
    expect(isRmsLevelOutOfReach(0)).toBe(true);
  });

  it('is nowhere where β2 is not known, or none', () => {
    for (const beta2 of [null, undefined, NaN, 1, -0.1, 2]) {
      expect(rmsCap(beta2)).toBeNull();
      expect(isRmsLevelOutOfReach(beta2)).toBe(false);
      expect(gradientGrowthOfRms(2, beta2)).toBeNull();
    }
  });
});

it('an RMS at its cap, beyond it or none tells of no growth', () => {
  expect(gradientGrowthOfRms(rmsCap(0.95)!, 0.95)).toBeNull();
  expect(gradientGrowthOfRms(5, 0.95)).toBeNull();
  expect(gradientGrowthOfRms(NaN, 0.95)).toBeNull();
  expect(gradientGrowthOfRms(-1, 0.95)).toBeNull();
  expect(gradientGrowthOfRms(0, 0.95)).toBe(0);
});
