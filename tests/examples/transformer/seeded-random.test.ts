import { describe, expect, it } from 'vitest';
import { normalValues, seededRandom } from '@/examples/transformer/seeded-random';

describe('seededRandom', () => {
  it('repeats itself for a seed and differs between seeds', () => {
    const draw = (seed: number) => Array.from({ length: 5 }, seededRandom(seed));

    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
  });

  it('is spread evenly over [0, 1)', () => {
    const random = seededRandom(1);
    const values = Array.from({ length: 20_000 }, random);

    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    // The mean of 20,000 uniform draws is within 0.01 of a half but for one time in a million.
    expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(0.5, 2);
  });
});

describe('normalValues', () => {
  it('has the standard deviation asked for and mean 0', () => {
    const values = normalValues(20_000, 0.02, seededRandom(1));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;

    expect(Math.abs(mean)).toBeLessThan(0.001);
    expect(Math.sqrt(variance) / 0.02).toBeCloseTo(1, 1);
    expect(values.every(Number.isFinite)).toBe(true);
  });
});
