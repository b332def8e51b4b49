import fc from 'fast-check';
import { expect, it } from 'vitest';
import { selectKth } from '@/lib/detect/select-kth';

it('finds what sorting would put at k, whatever the order and the ties', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: -5, max: 5 }), fc.float({ noNaN: true })), {
        minLength: 1,
      }),
      fc.nat(),
      (values, seed) => {
        const k = seed % values.length;
        const expected = Float32Array.from(values).sort()[k]!;
        // Negative zero sorts before zero; as numbers they are equal.
        expect(selectKth(Float32Array.from(values), values.length, k) + 0).toBe(expected + 0);
      },
    ),
  );
});

it('leaves values beyond the count alone', () => {
  const values = Float32Array.of(3, 1, 2, -9);
  expect(selectKth(values, 3, 0)).toBe(1);
  expect(values[3]).toBe(-9);
});
