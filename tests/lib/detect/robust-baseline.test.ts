import { describe, expect, it } from 'vitest';
import { restoreMedianWindow } from '@/lib/detect/median-window';
import {
  computeBaseline,
  computeLogBaseline,
  isBeyond,
  robustZ,
} from '@/lib/detect/robust-baseline';
import { seededNormal } from '@/tests/seeded-random';

const windowOf = (values: readonly number[]) => restoreMedianWindow(128, values);

describe('the baseline', () => {
  it('of a normal series is its median and standard deviation', () => {
    const normal = seededNormal(1);
    const { median, scale } = computeBaseline(
      windowOf(Array.from({ length: 128 }, () => 3 + 0.1 * normal())),
    );
    expect(median).toBeCloseTo(3, 1);
    expect(scale).toBeGreaterThan(0.08);
    expect(scale).toBeLessThan(0.12);
  });

  it('has a scale of a thousandth of the level where nothing scatters', () => {
    expect(computeBaseline(windowOf([5, 5, 5, 5]))).toEqual({ median: 5, scale: 0.005 });
    expect(computeBaseline(windowOf([-5, -5, -5]))).toEqual({ median: -5, scale: 0.005 });
  });

  it('has a scale of half the quantum of a coarsely logged series', () => {
    const values = [
      ...new Array<number>(60).fill(1.6640625),
      ...new Array<number>(20).fill(1.65625),
    ];
    expect(computeBaseline(windowOf(values)).scale).toBe(0.0078125 / 2);
  });

  it('widens where outliers recur, and does not where there are three', () => {
    const normal = seededNormal(2);
    const noise = Array.from({ length: 120 }, () => 0.1 * normal());
    expect(computeBaseline(windowOf([...noise, 4, 4, 4])).scale).toBeLessThan(0.15);
    expect(computeBaseline(windowOf([...noise, 4, 4, 4, 4])).scale).toBeCloseTo(1, 1);
  });

  it('of a series in decades keeps an absolute floor at the level 1', () => {
    expect(computeLogBaseline(windowOf([0, 0, 0]), 0.02)).toEqual({ median: 0, scale: 0.02 });
  });
});

describe('the cheap test', () => {
  it('agrees with z at every distance', () => {
    const normal = seededNormal(3);
    for (let round = 0; round < 200; round++) {
      const tight = round % 2 === 0 ? 1e-4 : 0.1;
      const window = windowOf(Array.from({ length: 100 }, () => 1 + tight * normal()));
      const baseline = computeBaseline(window);
      for (const z of [-3, 0, 2, 5.99, 6.01, 20]) {
        const value = baseline.median + z * baseline.scale;
        expect(isBeyond(window, value, 6)).toBe(robustZ(value, baseline) >= 6);
      }
    }
  });
});

it('z is 0 at the median, on a scale of 0 too', () => {
  expect(robustZ(0, { median: 0, scale: 0 })).toBe(0);
  expect(robustZ(1, { median: 0, scale: 0 })).toBe(Infinity);
});
