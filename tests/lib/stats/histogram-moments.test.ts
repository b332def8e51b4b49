import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeHistogramMoments } from '@/lib/stats/histogram-moments';
import { computeShareWithin } from '@/lib/stats/histogram-share';

function histogramOf(edges: number[], counts: number[], outside = [0, 0, 0, 0]) {
  return {
    edges: Float32Array.from(edges),
    counts: Uint32Array.from(counts),
    outside: Uint32Array.from(outside),
  };
}

const countsArbitrary = fc.array(fc.nat(1000), { minLength: 8, maxLength: 8 });
const edges = [-4, -2, -1, -0.5, 0, 0.5, 1, 2, 4];

describe('computeHistogramMoments', () => {
  it('has the moments of a uniform distribution for one bin', () => {
    const moments = computeHistogramMoments(histogramOf([0, 12], [7]));
    expect(moments).toMatchObject({ count: 7, mean: 6, variance: 12 });
    expect(moments.skewness).toBeCloseTo(0, 12);
    expect(moments.excessKurtosis).toBeCloseTo(-1.2, 12);
  });

  it('is near the normal that filled the bins', () => {
    const fine = Array.from({ length: 129 }, (_, i) => -6 + (12 * i) / 128);
    const counts = fine
      .slice(0, 128)
      .map((left) => Math.round(1e6 * Math.exp(-0.5 * (left + 6 / 128) ** 2)));
    const moments = computeHistogramMoments(histogramOf(fine, counts));
    expect(moments.mean).toBeCloseTo(0, 6);
    expect(moments.std).toBeCloseTo(1, 3);
    expect(moments.skewness).toBeCloseTo(0, 6);
    expect(moments.excessKurtosis).toBeCloseTo(0, 2);
  });

  it('holds exact zeros as an atom', () => {
    const moments = computeHistogramMoments(histogramOf([-1, 0, 1], [0, 0], [0, 0, 5, 0]));
    expect(moments).toMatchObject({ count: 5, mean: 0, variance: 0 });
    expect(moments.skewness).toBeNaN();
    const mixed = computeHistogramMoments(histogramOf([0, 2], [1], [0, 0, 1, 0]));
    // Half at 0, half uniform on [0, 2]: mean 1/2, E x² = 2/3.
    expect(mixed.mean).toBeCloseTo(0.5, 12);
    expect(mixed.variance).toBeCloseTo(2 / 3 - 1 / 4, 12);
  });

  it('puts underflow and overflow on the outer edges and leaves non-finite values out', () => {
    const moments = computeHistogramMoments(histogramOf([-1, 1], [0], [3, 3, 0, 9]));
    expect(moments).toMatchObject({ count: 6, nonFiniteCount: 9, mean: 0, variance: 1 });
    expect(moments.excessKurtosis).toBeCloseTo(-2, 12);
  });

  it('keeps the spread of a distribution far from 0', () => {
    const moments = computeHistogramMoments(histogramOf([4096, 4096.5, 4097], [1, 1]));
    expect(moments.variance).toBeCloseTo(1 / 12, 12);
  });

  it('merges as sums do', () => {
    fc.assert(
      fc.property(countsArbitrary, countsArbitrary, (a, b) => {
        fc.pre(a.some((n) => n > 0) && b.some((n) => n > 0));
        const one = computeHistogramMoments(histogramOf(edges, a));
        const two = computeHistogramMoments(histogramOf(edges, b));
        const both = computeHistogramMoments(
          histogramOf(
            edges,
            a.map((n, i) => n + b[i]!),
          ),
        );
        expect(both.count).toBe(one.count + two.count);
        expect(both.mean * both.count).toBeCloseTo(one.mean * one.count + two.mean * two.count, 6);
        const raw = (m: typeof one) => m.count * (m.variance + m.mean ** 2);
        expect(raw(both)).toBeCloseTo(raw(one) + raw(two), 5);
      }),
    );
  });

  it('turns its odd moments with the sign', () => {
    fc.assert(
      fc.property(countsArbitrary, (counts) => {
        fc.pre(counts.some((n) => n > 0));
        const one = computeHistogramMoments(histogramOf(edges, counts));
        const other = computeHistogramMoments(histogramOf(edges, counts.toReversed()));
        expect(other.mean).toBeCloseTo(-one.mean, 9);
        expect(other.variance).toBeCloseTo(one.variance, 9);
        expect(other.skewness).toBeCloseTo(-one.skewness, 6);
      }),
    );
  });

  it('has no moments of nothing', () => {
    const moments = computeHistogramMoments(histogramOf([0, 1], [0], [0, 0, 0, 4]));
    expect(moments).toMatchObject({ count: 0, nonFiniteCount: 4 });
    expect([moments.mean, moments.std, moments.skewness, moments.excessKurtosis]).toEqual([
      NaN,
      NaN,
      NaN,
      NaN,
    ]);
  });

  it('refuses arrays that do not fit each other', () => {
    expect(() => computeHistogramMoments(histogramOf([0, 1, 2], [1]))).toThrow(RangeError);
    expect(() => computeHistogramMoments(histogramOf([0, 1], [1], [0]))).toThrow(RangeError);
    expect(() => computeHistogramMoments(histogramOf([0], []))).toThrow(RangeError);
  });
});

describe('computeShareWithin', () => {
  it('takes whole bins, the fitting part of the bins at the limit, and zeros', () => {
    const histogram = histogramOf([-2, -1, 0, 1, 2], [10, 10, 10, 10], [0, 0, 10, 7]);
    expect(computeShareWithin(histogram, 1)).toBe(30 / 50);
    expect(computeShareWithin(histogram, 1.5)).toBe(40 / 50);
    expect(computeShareWithin(histogram, 9)).toBe(1);
  });

  it('counts underflow and overflow as large', () => {
    expect(computeShareWithin(histogramOf([-1, 1], [2], [1, 1, 0, 0]), 5)).toBe(0.5);
  });

  it('is NaN for nothing', () => {
    expect(computeShareWithin(histogramOf([0, 1], [0]), 1)).toBeNaN();
  });
});
