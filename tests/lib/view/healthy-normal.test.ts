import { describe, expect, it } from 'vitest';
import { prepareDistributionAxis } from '@/lib/view/distribution-axis';
import { drawBins } from '@/lib/view/distribution-bins';
import {
  normalDensity,
  prepareNormalCounts,
  prepareNormalDensity,
} from '@/lib/view/healthy-normal';

/** √((1 − 0.9)/(1 + 0.9)) */
const HEALTHY = 0.22941573387056174;

describe('the healthy normal', () => {
  it('has the density of N(0, std²)', () => {
    // exp(−(0.3/std)²/2)/(std·√2π), by Python's math in float64.
    expect(normalDensity(0.3, HEALTHY)).toBeCloseTo(0.7395458158178733, 12);
    expect(normalDensity(0, HEALTHY)).toBeCloseTo(1 / (HEALTHY * Math.sqrt(2 * Math.PI)), 12);
  });

  it('encloses an area of 1 on either axis', () => {
    for (const kind of ['linear', 'signed-log'] as const) {
      const axis = prepareDistributionAxis(kind, []);
      const curve = prepareNormalDensity(axis, HEALTHY);
      let area = 0;
      for (let i = 1; i < curve.length; i++) {
        const a = curve[i - 1]!;
        const b = curve[i]!;
        area += ((a.height + b.height) / 2) * (b.at - a.at);
      }
      expect(area).toBeCloseTo(1, 2);
    }
  });

  it('expects in each bin what the cumulative normal puts there', () => {
    const axis = prepareDistributionAxis('linear', []);
    const drawn = drawBins(
      {
        edges: [-1, -0.25, 0.25, 1],
        counts: [100, 800, 100],
        underflow: 0,
        overflow: 0,
        zeros: 0,
        nonFinite: 0,
      },
      axis,
    );
    const counts = prepareNormalCounts(axis, drawn, HEALTHY).map(({ height }) => height);
    // 1000 · erf(0.25/(std·√2)), by Python's math in float64.
    expect(counts[1]).toBeCloseTo(724.1655834805406, 1);
    // Beyond ±1 lie 0.013 of 1000.
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeCloseTo(1000, 1);
    expect(counts[0]).toBeCloseTo(counts[2]!, 6);
  });
});
