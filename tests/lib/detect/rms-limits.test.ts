import { expect, it } from 'vitest';
import { canReachRmsThreshold, rmsCap, rmsOfBurst } from '@/lib/detect/rms-limits';

it.each([
  [0.95, 4.47],
  [0.98, 7.07],
  [0.99, 10],
  [0.999, 31.6],
])('one step cannot show more than 1/√(1−β2): %d', (beta2, cap) => {
  expect(rmsCap(beta2)).toBeCloseTo(cap, 1);
  expect(rmsOfBurst(1e9, beta2)).toBeCloseTo(cap, 1);
});

it('the threshold of 2.3 cannot be reached below β2 = 0.811', () => {
  expect(canReachRmsThreshold(0.81)).toBe(false);
  expect(canReachRmsThreshold(0.812)).toBe(true);
  expect(canReachRmsThreshold(1)).toBe(false);
  expect(rmsCap(1)).toBeNull();
});

it.each([
  [10, 0.95, 4.1],
  [10, 0.999, 9.54],
  [2.61, 0.95, 2.3],
  [2.31, 0.999, 2.3],
  [1, 0.95, 1],
])('a burst of %d times the history at β2 = %d shows %d', (multiple, beta2, expected) => {
  expect(rmsOfBurst(multiple, beta2)).toBeCloseTo(expected, 1);
});
