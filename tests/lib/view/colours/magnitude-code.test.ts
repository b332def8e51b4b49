import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import {
  CODE_MISSING,
  CODE_NON_FINITE,
  CODE_ZERO,
  decodeMagnitude,
  encodeMagnitude,
} from '@/lib/view/colours/magnitude-code';

const float = fc.float({ noNaN: true, noDefaultInfinity: true });

describe('magnitude codes', () => {
  it('keep the order of values', () => {
    fc.assert(
      fc.property(float, float, (a, b) => {
        if (a < b) expect(encodeMagnitude(a, 0)).toBeLessThanOrEqual(encodeMagnitude(b, 0));
      }),
    );
  });

  it('come back within 0.8 % of the value', () => {
    fc.assert(
      fc.property(float, (value) => {
        fc.pre(Math.abs(value) > 1e-37);
        const back = decodeMagnitude(encodeMagnitude(value, 0));
        expect(Math.abs(back - value) / Math.abs(value)).toBeLessThan(0.008);
      }),
    );
  });

  it('put not finite over all values and not reported under them', () => {
    expect(encodeMagnitude(NaN, 1)).toBe(CODE_NON_FINITE);
    expect(encodeMagnitude(NaN, 0)).toBe(CODE_MISSING);
    expect(encodeMagnitude(3.4e38, 0)).toBeLessThan(CODE_NON_FINITE);
    expect(encodeMagnitude(-3.4e38, 0)).toBeGreaterThan(CODE_MISSING);
  });

  it('tell an exact zero from the smallest float', () => {
    expect(encodeMagnitude(0, 0)).toBe(CODE_ZERO);
    expect(encodeMagnitude(-0, 0)).toBe(CODE_ZERO);
    expect(encodeMagnitude(1.4e-45, 0)).toBeGreaterThan(CODE_ZERO);
    expect(encodeMagnitude(-1.4e-45, 0)).toBeLessThan(CODE_ZERO);
  });
});
