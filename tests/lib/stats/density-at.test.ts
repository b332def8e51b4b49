import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeDensityAt } from '@/lib/stats/density-at';
import { histogramOf } from './counted';

const EDGES = [-4, -2, -1, -0.5, 0, 0.5, 1, 2, 4];

describe('computeDensityAt', () => {
  it('is a bin’s share over its width; an edge takes the bin on its right, the last its left', () => {
    const histogram = histogramOf([0, 1, 3], [2, 6], [0, 0, 1, 7]);
    const points = [-0.1, 0, 0.5, 1, 2, 3, 3.1];
    const expected = [0, 2 / 9, 2 / 9, 3 / 9, 3 / 9, 3 / 9, 0];
    expect([...computeDensityAt(histogram, points)]).toEqual(expected);
  });

  it('integrates to the binned share, smoothed or not', () => {
    const counts = fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(counts, fc.nat(100), fc.constantFrom(0, 0.5), (chosen, zeros, halfWidth) => {
        const histogram = histogramOf(EDGES, chosen, [0, 0, zeros, 0]);
        const step = 1 / 256;
        // Centers of cells that no edge, and no edge ± halfWidth, cuts.
        const points = Array.from({ length: 10 / step }, (_, i) => -5 + (i + 0.5) * step);
        const integral =
          step * computeDensityAt(histogram, points, halfWidth).reduce((a, b) => a + b, 0);
        const binned = chosen.reduce((a, b) => a + b, 0);
        expect(integral).toBeCloseTo(binned / (binned + zeros), 9);
      }),
      { numRuns: 40 },
    );
  });

  it('is the mean density within the window', () => {
    const histogram = histogramOf([0, 1, 3], [2, 6]);
    // [0, 2] holds 2 + 3 of 8.
    expect([...computeDensityAt(histogram, [1], 1)]).toEqual([5 / 8 / 2]);
  });

  it('is NaN of nothing and at NaN', () => {
    const empty = histogramOf([0, 1], [0], [0, 0, 0, 4]);
    expect([...computeDensityAt(empty, [0.5])]).toEqual([NaN]);
    expect([...computeDensityAt(histogramOf([0, 1], [3]), [NaN])]).toEqual([NaN]);
  });

  it('refuses a negative half-width', () => {
    expect(() => computeDensityAt(histogramOf([0, 1], [3]), [0], -1)).toThrow(
      'halfWidth: expected ≥ 0, got -1',
    );
  });
});
