import { expect, it } from 'vitest';
import { MeanSums } from '@/lib/store/mean-sums';
import { seededRandom } from '@/tests/seeded-random';

const MAX = Number.MAX_VALUE;

/** The mean of the values, added one by one and in parts of three. */
function means(values: readonly number[]): [single: number, inParts: number] {
  const sums = new MeanSums(2);
  values.forEach((value) => sums.add(0, value));
  for (let from = 0; from < values.length; from += 3) {
    const part = values.slice(from, from + 3);
    const scaled = part.reduce((sum, value) => sum + value / 4, 0) / part.length;
    sums.add(1, scaled * 4, part.length);
  }
  return [sums.mean(0, values.length), sums.mean(1, values.length)];
}

it('is the plain sum over the count, to the last digit, where that is a number', () => {
  const random = seededRandom(7);
  const sums = new MeanSums(3);
  const values = Array.from(
    { length: 1000 },
    () => (random() - 0.5) * 10 ** (random() * 600 - 300),
  );
  let sum = 0;
  for (const value of values) {
    sums.add(1, value);
    sum += value;
  }
  expect(sums.mean(1, values.length)).toBe(sum / values.length);
  expect(sums.mean(0, 0)).toBeNaN();
});

it.each([
  [[1e308, 1e308, 1e308, 1e308], 1e308],
  [[-1.5e308, -1.5e308, -0.5e308, -0.5e308], -1e308],
  [[1e308, 1e308, -1e308, -1e308], 0],
  [[1.6e308, 1.6e308, 4, 8], 0.8e308],
  [[MAX, MAX, MAX, MAX, MAX, MAX, MAX], MAX],
  [[-MAX, -MAX, -MAX], -MAX],
])('knows the mean of %j, whose sum no float64 holds', (values, mean) => {
  for (const found of means(values)) {
    expect(Math.abs(found / 4 - mean / 4)).toBeLessThanOrEqual(Math.abs(mean / 4) * 4e-16);
  }
});

it('leaves the other slots alone', () => {
  const sums = new MeanSums(2);
  sums.add(0, 3);
  sums.add(1, MAX);
  sums.add(1, MAX);
  sums.add(0, 5);
  expect([sums.mean(0, 2), sums.mean(1, 2)]).toEqual([4, MAX]);
});

it('makes no number of what is none', () => {
  const sums = new MeanSums(1);
  sums.add(0, Infinity, 16);
  expect(sums.mean(0, 16)).toBe(Infinity);
});
