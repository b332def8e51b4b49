import { describe, expect, it } from 'vitest';
import { computeHistogramWindow, countBelow } from '@/lib/stats/histogram-window';
import { computeRatioEdges } from '@/lib/stats/ratio-edges';
import { countInto, histogramOf } from './counted';
import { normalFrom, seededRandom } from '@/tests/seeded-random';

describe('computeHistogramWindow', () => {
  it('has the half-width of its formula for one bin: min(std, IQR/1.349) is IQR/1.349 … or std', () => {
    // Uniform on [0, 12]: std 3.4641, IQR/1.349 = 4.4477.
    const { halfWidth, binnedCount, below } = computeHistogramWindow(histogramOf([0, 12], [32]));
    expect(halfWidth).toBeCloseTo(Math.sqrt(3) * 0.9 * Math.sqrt(12) * 0.5, 12);
    expect(binnedCount).toBe(32);
    expect([...below]).toEqual([0, 32]);
  });

  it('takes the interquartile range where tails are heavy', () => {
    // Half of the values even on [−1, 1]: that is the interquartile range.
    const histogram = histogramOf([-100, -1, 1, 100], [8, 16, 8]);
    const { halfWidth } = computeHistogramWindow(histogram);
    expect(halfWidth).toBeCloseTo((Math.sqrt(3) * 0.9 * (2 / 1.349)) / 2, 12);
  });

  it('holds 23 % of a healthy r of 4,096 coordinates', () => {
    const normal = normalFrom(seededRandom(1));
    const edges = computeRatioEdges(0.9, 0.95);
    const values = Array.from({ length: 4096 }, () => 0.229 * normal());
    const { below, halfWidth } = computeHistogramWindow(countInto(edges, values));
    const within = countBelow(edges, below, halfWidth) - countBelow(edges, below, -halfWidth);
    expect(within / 4096).toBeCloseTo(0.23, 1);
  });

  it('is empty where no bin holds anything', () => {
    expect(computeHistogramWindow(histogramOf([-1, 1], [0], [1, 2, 3, 4]))).toMatchObject({
      binnedCount: 0,
      halfWidth: 0,
    });
  });

  it('refuses arrays that do not fit', () => {
    expect(() => computeHistogramWindow(histogramOf([0, 1, 2], [1]))).toThrow(RangeError);
  });
});

describe('countBelow', () => {
  it('is linear within bins and constant outside', () => {
    const edges = Float32Array.of(-2, -1, 1, 5);
    const below = Float64Array.of(0, 4, 4, 12);
    const at = [-9, -2, -1.5, -1, 0, 1, 2, 5, 9, NaN].map((x) => countBelow(edges, below, x));
    expect(at).toEqual([0, 0, 2, 4, 4, 4, 6, 12, 12, 0]);
  });
});
