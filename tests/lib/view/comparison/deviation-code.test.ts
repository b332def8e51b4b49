import { describe, expect, it } from 'vitest';
import { decodeDeviation, encodeDeviation } from '@/lib/view/comparison/deviation-code';
import { CODE_MISSING, CODE_NON_FINITE, CODE_ZERO } from '@/lib/view/colours/magnitude-code';

describe('the code of a deviation', () => {
  it('keeps the value within a hundredth, and its sign', () => {
    for (const value of [1e-6, -0.003, 0.4, -1, 1.99, -1.99, 2, 2.01, 17, -300, 4e20]) {
      expect(Math.abs(decodeDeviation(encodeDeviation(value, false)) / value - 1)).toBeLessThan(
        0.012,
      );
    }
    expect(decodeDeviation(encodeDeviation(0, false))).toBe(0);
  });

  it('orders by size, whichever the sign: the larger stays where two share a pixel', () => {
    const code = (value: number) => encodeDeviation(value, false);
    expect(code(-3)).toBeGreaterThan(code(2.5));
    expect(code(3)).toBeGreaterThan(code(-2.5));
    expect(code(-1e-9)).toBeGreaterThan(code(0));
    expect(code(0)).toBeGreaterThan(CODE_MISSING);
    expect(encodeDeviation(NaN, true)).toBeGreaterThan(code(1e38));
  });

  it('tells missing from not finite, and never reads as an exact zero', () => {
    expect(encodeDeviation(NaN, false)).toBe(CODE_MISSING);
    expect(encodeDeviation(NaN, true)).toBe(CODE_NON_FINITE);
    for (let value = 1.9; value < 2.1; value += 0.001) {
      expect(encodeDeviation(value, false)).not.toBe(CODE_ZERO);
    }
  });
});
