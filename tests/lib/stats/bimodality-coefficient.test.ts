import { describe, expect, it } from 'vitest';
import { computeBimodalityCoefficient } from '@/lib/stats/bimodality-coefficient';
import { computeHistogramMoments } from '@/lib/stats/histogram-moments';
import { computeRatioEdges } from '@/lib/stats/ratio-edges';
import { countInto } from './counted';
import { momentsOf } from './sample-moments';
import { normalFrom, seededRandom } from '@/tests/seeded-random';

const LARGE = 1e12;

describe('computeBimodalityCoefficient', () => {
  it.each([
    ['normal', 0, 0, 1 / 3],
    ['uniform', 0, -1.2, 5 / 9],
    ['exponential', 2, 6, 5 / 9],
    ['two atoms of equal mass', 0, -2, 1],
  ])('of a large %s sample is known', (_, skewness, excessKurtosis, expected) => {
    const coefficient = computeBimodalityCoefficient({ count: LARGE, skewness, excessKurtosis });
    expect(coefficient).toBeCloseTo(expected, 10);
  });

  it('corrects the moments for a small sample', () => {
    // {0, 0, 0, 4}: population skewness 2/√3 and excess kurtosis −2/3; corrected 2 and 4.
    const moments = { count: 4, skewness: 2 / Math.sqrt(3), excessKurtosis: -2 / 3 };
    expect(computeBimodalityCoefficient(moments)).toBeCloseTo((4 + 1) / (4 + (3 * 9) / 2), 12);
  });

  it.each([
    [0, 0.229, 0.333, 0.02],
    [0.287, 0.208, 0.467, 0.02],
    [0.707, 0.111, 0.91, 0.02],
  ])(
    'of two normals at ±%s with std %s is %s: 1/(3 − 2(μ²/(μ²+s²))²)',
    (center, std, expected, tolerance) => {
      const random = seededRandom(8);
      const normal = normalFrom(random);
      const values = Array.from(
        { length: 20_000 },
        () => (random() < 0.5 ? center : -center) + std * normal(),
      );
      const ofSample = computeBimodalityCoefficient(momentsOf(values));
      expect(Math.abs(ofSample - expected)).toBeLessThan(tolerance);
      const histogram = countInto(computeRatioEdges(0.9, 0.95), values);
      const ofHistogram = computeBimodalityCoefficient(computeHistogramMoments(histogram));
      expect(Math.abs(ofHistogram - ofSample)).toBeLessThan(0.003);
    },
  );

  it('is NaN for three values, and where all are equal', () => {
    expect(computeBimodalityCoefficient({ count: 3, skewness: 0, excessKurtosis: -1.5 })).toBeNaN();
    expect(
      computeBimodalityCoefficient({ count: 9, skewness: NaN, excessKurtosis: NaN }),
    ).toBeNaN();
  });
});
