import { describe, expect, it } from 'vitest';
import { computeCentralMoments } from '@/lib/stats/central-moments';
import { normalFrom, seededRandom } from './seeded-random';

function rawMomentsOf(values: readonly number[]) {
  const mean = (power: number) => values.reduce((sum, x) => sum + x ** power, 0) / values.length;
  return {
    count: values.length,
    first: mean(1),
    second: mean(2),
    third: mean(3),
    fourth: mean(4),
  };
}

/** Straight from the definitions, around the mean. */
function momentsAroundMean(values: readonly number[]) {
  const average = (of: (x: number) => number) =>
    values.reduce((sum, x) => sum + of(x), 0) / values.length;
  const mean = average((x) => x);
  const variance = average((x) => (x - mean) ** 2);
  return {
    mean,
    variance,
    skewness: average((x) => (x - mean) ** 3) / variance ** 1.5,
    excessKurtosis: average((x) => (x - mean) ** 4) / variance ** 2 - 3,
  };
}

describe('computeCentralMoments', () => {
  it('has the values of a small sample worked out by hand', () => {
    const moments = computeCentralMoments(rawMomentsOf([0, 0, 0, 4]));
    expect(moments).toMatchObject({ count: 4, mean: 1, variance: 3 });
    // Third central moment 6, fourth 21.
    expect(moments.skewness).toBeCloseTo(6 / 3 ** 1.5, 14);
    expect(moments.excessKurtosis).toBeCloseTo(21 / 9 - 3, 14);
  });

  it.each([0, 1, 100])('is right to 6 digits with a mean of %s std', (shift) => {
    const normal = normalFrom(seededRandom(6));
    const values = Array.from({ length: 2000 }, () => shift + normal() + 0.2 * normal() ** 2);
    const moments = computeCentralMoments(rawMomentsOf(values));
    const expected = momentsAroundMean(values);
    expect(moments.mean).toBeCloseTo(expected.mean, 10);
    expect(moments.variance).toBeCloseTo(expected.variance, 8);
    expect(moments.std).toBeCloseTo(Math.sqrt(expected.variance), 8);
    expect(moments.skewness).toBeCloseTo(expected.skewness, 6);
    expect(moments.excessKurtosis).toBeCloseTo(expected.excessKurtosis, 5);
  });

  it('knows no shape of equal values, and nothing of no values', () => {
    const equal = computeCentralMoments(rawMomentsOf([0.1, 0.1, 0.1]));
    expect(equal.variance).toBeCloseTo(0, 15);
    const flat = computeCentralMoments(rawMomentsOf([2, 2, 2]));
    expect(flat).toMatchObject({ mean: 2, variance: 0, std: 0 });
    expect(flat.skewness).toBeNaN();
    expect(flat.excessKurtosis).toBeNaN();
    const empty = { count: 0, first: 0, second: 0, third: 0, fourth: 0 };
    expect(computeCentralMoments(empty).mean).toBeNaN();
  });

  it('passes a NaN on', () => {
    const raw = { count: 9, first: NaN, second: NaN, third: NaN, fourth: NaN };
    expect(computeCentralMoments(raw).std).toBeNaN();
  });
});
