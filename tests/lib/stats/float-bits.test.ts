import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitsAtOrAbove, bitsWithRootAtOrAbove, floatOfBits } from '@/lib/stats/float-bits';

const threshold = fc.oneof(
  fc.double({ min: 0, max: 1e30, noNaN: true }),
  fc.double({ min: -20, max: 3, noNaN: true }).map((exponent) => 10 ** exponent),
);

describe('bitsAtOrAbove', () => {
  it('names the smallest float32 that is not below the threshold', () => {
    fc.assert(
      fc.property(threshold, (value) => {
        const bits = bitsAtOrAbove(value);
        expect(floatOfBits(bits)).toBeGreaterThanOrEqual(value);
        if (bits > 0) expect(floatOfBits(bits - 1)).toBeLessThan(value);
      }),
    );
  });
});

describe('bitsWithRootAtOrAbove', () => {
  it('names the smallest float32 whose root is not below the threshold', () => {
    const rooted = fc.double({ min: -22, max: 18, noNaN: true }).map((e) => 10 ** e);
    fc.assert(
      fc.property(fc.oneof(rooted, fc.constantFrom(0, 1e-8, 1e-5, 1)), (value) => {
        const bits = bitsWithRootAtOrAbove(value);
        expect(Math.sqrt(floatOfBits(bits))).toBeGreaterThanOrEqual(value);
        if (bits > 0) expect(Math.sqrt(floatOfBits(bits - 1))).toBeLessThan(value);
      }),
    );
  });
});
