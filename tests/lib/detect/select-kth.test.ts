import fc from 'fast-check';
import { expect, it } from 'vitest';
import { selectKth } from '@/lib/detect/select-kth';

const bitsOf = (values: Float32Array) => new Int32Array(values.buffer, 0, values.length);
const positive = fc.oneof(
  // Ties, subnormals, ordinary numbers and infinity.
  fc.integer({ min: 1, max: 5 }),
  fc.float({ min: Math.fround(1e-45), noNaN: true }),
  fc.constant(Infinity),
);

it('finds what sorting would put at k, whatever the order and the ties', () => {
  fc.assert(
    fc.property(
      fc.array(positive, { minLength: 1, maxLength: 256, size: 'max' }),
      fc.nat(),
      (numbers, seed) => {
        const values = Float32Array.from(numbers);
        const k = seed % values.length;
        const expected = values.slice().sort()[k]!;
        expect(selectKth(bitsOf(values), values.length, k)).toBe(expected);
      },
    ),
    { numRuns: 500 },
  );
});

it('comes to an end where all numbers are the same', () => {
  expect(selectKth(bitsOf(new Float32Array(256).fill(7)), 256, 200)).toBe(7);
});

it('leaves numbers beyond the count alone', () => {
  const values = Float32Array.of(3, 1, 2, 0.5);
  expect(selectKth(bitsOf(values), 3, 0)).toBe(1);
  expect(values[3]).toBe(0.5);
});

it('refuses a rank that is not there and more numbers than it has room for', () => {
  const bits = bitsOf(new Float32Array(300).fill(1));
  for (const [count, k] of [
    [3, 3],
    [3, -1],
    [257, 0],
  ] as const) {
    expect(() => selectKth(bits, count, k)).toThrow(RangeError);
  }
});
