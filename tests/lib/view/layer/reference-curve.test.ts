import { describe, expect, it } from 'vitest';
import { AXIS_KINDS, prepareDistributionAxis } from '@/lib/view/layer/distribution-axis';
import { drawBins } from '@/lib/view/layer/distribution-bins';
import { prepareReferenceCurve } from '@/lib/view/layer/reference-curve';
import { aDistribution } from '../../../builders/distribution-item';

/** √((1 − 0.9)/(1 + 0.9)) */
const HEALTHY = [{ weight: 1, mean: 0, std: 0.22941573387056174 }];
const TWO_PEAKS = [
  { weight: 0.5, mean: -0.7, std: 0.1 },
  { weight: 0.5, mean: 0.7, std: 0.1 },
];
const three = {
  edges: [-1, -0.25, 0.25, 1],
  counts: [100, 800, 100],
  underflow: 0,
  overflow: 0,
  zeros: 0,
  nonFinite: 0,
};

describe('a reference curve', () => {
  it.each(AXIS_KINDS)('encloses an area of 1 on a %s axis', (kind) => {
    const fine = { edges: [-1e-4, 0, 1e-4], counts: [1, 1] };
    const axis = prepareDistributionAxis(kind, [fine]);
    for (const parts of [HEALTHY, TWO_PEAKS]) {
      const curve = prepareReferenceCurve(axis, parts, 'density', drawBins(three, axis));
      const area = curve
        .slice(1)
        .reduce(
          (sum, b, i) => sum + ((curve[i]!.height + b.height) / 2) * (b.at - curve[i]!.at),
          0,
        );
      expect(area).toBeCloseTo(1, 1);
    }
  });

  it.each(AXIS_KINDS)('ends at all of it, cumulated on a %s axis', (kind) => {
    const axis = prepareDistributionAxis(kind, [three]);
    const curve = prepareReferenceCurve(axis, HEALTHY, 'cumulative', drawBins(three, axis));
    expect(curve.at(-1)!.height).toBeCloseTo(1, 6);
    expect(curve.every(({ height }, i) => i === 0 || height >= curve[i - 1]!.height)).toBe(true);
    const middle = curve.find(({ at }) => Math.abs(at) < 1e-9);
    if (kind !== 'log') expect(middle!.height).toBeCloseTo(0.5, 12);
  });

  it('expects in each bin what the cumulative normal puts there', () => {
    const axis = prepareDistributionAxis('linear', []);
    const counts = prepareReferenceCurve(axis, HEALTHY, 'counts', drawBins(three, axis)).map(
      ({ height }) => height,
    );
    // 1000 · erf(0.25/(std·√2)), by Python's math in float64.
    expect(counts[1]).toBeCloseTo(724.1655834805406, 9);
    expect(counts[0]).toBeCloseTo(counts[2]!, 9);
  });

  it('counts both signs on a log axis', () => {
    const axis = prepareDistributionAxis('log', [three]);
    const drawn = drawBins(three, axis);
    const total = prepareReferenceCurve(axis, HEALTHY, 'counts', drawn).reduce(
      (sum, { height }) => sum + height,
      0,
    );
    // Those nearer to 0 than the axis begins are left out.
    expect(total).toBeGreaterThan(300);
    expect(total).toBeLessThan(1000);
  });

  it('is nothing for a mixture of nothing', () => {
    const axis = prepareDistributionAxis('linear', []);
    const drawn = drawBins(aDistribution('ratio', [1]), axis);
    expect(prepareReferenceCurve(axis, [], 'density', drawn)).toEqual([]);
  });
});
