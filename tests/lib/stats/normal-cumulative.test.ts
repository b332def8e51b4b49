import { describe, expect, it } from 'vitest';
import { normalCumulative } from '@/lib/stats/normal-cumulative';

describe('normalCumulative', () => {
  it('agrees with scipy.stats.norm.cdf', () => {
    expect(normalCumulative(0, 0, 1)).toBe(0.5);
    expect(normalCumulative(1, 0, 1)).toBeCloseTo(0.8413447460685429, 14);
    expect(normalCumulative(-1.96, 0, 1)).toBeCloseTo(0.024997895148220435, 14);
    expect(normalCumulative(3.5, 0, 1)).toBeCloseTo(0.9997673709209645, 14);
    expect(normalCumulative(0.5, 0.2, 0.15)).toBeCloseTo(0.9772498680518208, 13);
  });

  it('is symmetric, rises and stays within 0 and 1', () => {
    let before = 0;
    for (let x = -10; x <= 10; x += 0.25) {
      const here = normalCumulative(x, 0, 1);
      expect(here).toBeGreaterThanOrEqual(before);
      expect(here + normalCumulative(-x, 0, 1)).toBeCloseTo(1, 13);
      before = here;
    }
    expect(normalCumulative(-Infinity, 0, 1)).toBe(0);
    expect(before).toBe(1);
  });

  it('has no share without a width', () => {
    expect(normalCumulative(0, 0, 0)).toBeNaN();
    expect(normalCumulative(NaN, 0, 1)).toBeNaN();
  });
});
