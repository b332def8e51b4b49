import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createMedianWindow,
  medianAbsoluteDeviation,
  medianOf,
  pushValue,
  restoreMedianWindow,
  smallestGap,
  windowValues,
} from '@/lib/detect/median-window';

function naiveMedian(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle]! + sorted[middle - 1]!) / 2;
}

const value = fc.oneof(
  // Without −0: it and 0 are equal, and which of two equals is the middle nobody promises.
  fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((any) => any + 0),
  fc.constantFrom(0, 1, 1.5, -2),
);

describe('a window', () => {
  it('has the median and the MAD of its newest values, ties included', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(value, { minLength: 1 }),
        (width, all) => {
          const window = createMedianWindow(width);
          all.forEach((next, index) => {
            pushValue(window, next);
            const held = all.slice(Math.max(0, index + 1 - width), index + 1);
            const median = naiveMedian(held);
            expect(medianOf(window)).toBe(median);
            const deviations = held.map((other) => Math.abs(other - median));
            expect(medianAbsoluteDeviation(window)).toBeCloseTo(naiveMedian(deviations), 9);
            expect(windowValues(window)).toEqual(held);
          });
        },
      ),
    );
  });

  it('restored from its values goes on as it would have', () => {
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 40 }),
        fc.array(value, { maxLength: 40 }),
        (first, second) => {
          const window = createMedianWindow(9);
          for (const next of first) pushValue(window, next);
          const restored = restoreMedianWindow(9, windowValues(window));
          for (const next of second) {
            pushValue(window, next);
            pushValue(restored, next);
          }
          expect(windowValues(restored)).toEqual(windowValues(window));
          expect(medianOf(restored)).toEqual(medianOf(window));
          expect(medianAbsoluteDeviation(restored)).toEqual(medianAbsoluteDeviation(window));
        },
      ),
    );
  });

  it('is NaN while it holds nothing', () => {
    const window = createMedianWindow(4);
    expect(medianOf(window)).toBeNaN();
    expect(medianAbsoluteDeviation(window)).toBeNaN();
    expect(smallestGap(window)).toBe(0);
  });

  it('finds the smallest gap between different values', () => {
    const window = restoreMedianWindow(8, [1.5, 1.25, 1.5, 3, 1.25]);
    expect(smallestGap(window)).toBe(0.25);
    expect(smallestGap(restoreMedianWindow(8, [2, 2, 2]))).toBe(0);
  });

  it('refuses more values than it is wide', () => {
    expect(() => restoreMedianWindow(2, [1, 2, 3])).toThrow(RangeError);
  });
});
