import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeHistogramWindow } from '@/lib/stats/histogram-window';
import type { Histogram } from '@/lib/stats/histogram-moments';
import { computeRatioEdges } from '@/lib/stats/ratio-edges';
import { computeUpdateEdges } from '@/lib/stats/update-edges';
import { computeValleyDepth } from '@/lib/stats/valley-depth';
import { countInto, histogramOf } from './counted';
import { normalFrom, seededRandom } from '@/tests/seeded-random';

const RATIO_EDGES = computeRatioEdges(0.9, 0.95);

function ratioHistogram(center: number, std: number, count: number, seed: number): Histogram {
  const random = seededRandom(seed);
  const normal = normalFrom(random);
  const values = Array.from(
    { length: count },
    () => (random() < 0.5 ? center : -center) + std * normal(),
  );
  return countInto(RATIO_EDGES, values);
}

/** Values within ±w of x, bin by bin. */
function countWithin({ edges, counts }: Histogram, x: number, halfWidth: number): number {
  let within = 0;
  counts.forEach((count, bin) => {
    const [left, right] = [edges[bin]!, edges[bin + 1]!];
    const overlap = Math.min(right, x + halfWidth) - Math.max(left, x - halfWidth);
    if (overlap > 0) within += (count * overlap) / (right - left);
  });
  return within;
}

const EDGES = [-4, -2, -1, -0.5, 0, 0.5, 1, 2, 4];

describe('computeValleyDepth', () => {
  it('is one minus the values around 0 over the most around any point', () => {
    const counts = fc.array(fc.nat(100), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(counts, (chosen) => {
        fc.pre(chosen.some((count) => count > 0));
        const histogram = histogramOf(EDGES, chosen);
        const { halfWidth } = computeHistogramWindow(histogram);
        let most = 0;
        for (let x = -5; x <= 5; x += 0.01) {
          most = Math.max(most, countWithin(histogram, x, halfWidth));
        }
        const depth = 1 - countWithin(histogram, 0, halfWidth) / most;
        const exact = computeValleyDepth(histogram);
        // The exact maximum is at least that of the points tried, and hardly more.
        expect(exact).toBeGreaterThanOrEqual(Math.max(0, depth) - 1e-9);
        expect(exact).toBeLessThan(depth + 0.05);
      }),
      { numRuns: 200 },
    );
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('is below 0.1 for healthy r of 4,096 (seed %i)', (seed) => {
    expect(computeValleyDepth(ratioHistogram(0, 0.229, 4096, seed))).toBeLessThan(0.1);
  });

  it.each([
    [0.287, 0.208, 0.21, 0.08],
    [0.45, 0.17, 0.9, 0.1],
    [0.707, 0.111, 1, 0.001],
    [0.995, 0.01, 1, 0],
  ])('of peaks at ±%s with std %s is near %s', (center, std, expected, tolerance) => {
    const depth = computeValleyDepth(ratioHistogram(center, std, 20_000, 3));
    expect(Math.abs(depth - expected)).toBeLessThanOrEqual(tolerance);
  });

  it('does not change with scale or mirror, nor with exact zeros and values outside', () => {
    const counts = [3, 20, 30, 10, 5, 25, 22, 4];
    const depth = computeValleyDepth(histogramOf(EDGES, counts));
    expect(depth).toBeGreaterThan(0);
    const scaled = EDGES.map((edge) => edge / 1024);
    expect(computeValleyDepth(histogramOf(scaled, counts))).toBeCloseTo(depth, 12);
    const mirrored = histogramOf(EDGES, [...counts].reverse());
    expect(computeValleyDepth(mirrored)).toBeCloseTo(depth, 12);
    const withAtom = histogramOf(EDGES, counts, [7, 8, 5000, 9]);
    expect(computeValleyDepth(withAtom)).toBe(depth);
  });

  it('sees the valley of a collapsed update on logarithmic bins', () => {
    const random = seededRandom(5);
    const normal = normalFrom(random);
    const values = (center: number) =>
      Array.from(
        { length: 8192 },
        () => 1e-7 * ((random() < 0.5 ? center : -center) + 0.1 * normal()),
      );
    const edges = computeUpdateEdges();
    expect(computeValleyDepth(countInto(edges, values(0.7)))).toBeGreaterThan(0.99);
    expect(computeValleyDepth(countInto(edges, values(0)))).toBeLessThan(0.1);
  });

  it('is 1 for one peak away from 0, NaN for an empty histogram', () => {
    expect(computeValleyDepth(histogramOf([-1, 0, 0.9, 1], [0, 0, 50]))).toBe(1);
    expect(computeValleyDepth(histogramOf([-1, 1], [0], [4, 5, 6, 7]))).toBeNaN();
  });
});
