import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeGradientAgreement } from '@/lib/stats/gradient-agreement';

const of = (...values: number[]) => Float32Array.from(values);

describe('computeGradientAgreement', () => {
  it('is 1 along, −1 against and 0 across', () => {
    const agreement = (g: number[], p: number[]) => computeGradientAgreement(of(...g), of(...p));
    expect(agreement([1, 2], [2, 4]).gradient_cosine).toBeCloseTo(1, 12);
    expect(agreement([1, 2], [-3, -6]).gradient_cosine).toBeCloseTo(-1, 12);
    expect(agreement([1, 1], [1, -1]).gradient_cosine).toBe(0);
    expect(agreement([3, 4], [4, 3]).gradient_cosine).toBeCloseTo(0.96, 12);
  });

  it('leaves coordinates without a sign out of the agreement', () => {
    expect(computeGradientAgreement(of(1, 0, 0, -1), of(1, 0, 1, 1)).gradient_sign_agreement).toBe(
      0.5,
    );
  });

  it('leaves coordinates out where either side is not finite', () => {
    const { gradient_cosine, gradient_sign_agreement } = computeGradientAgreement(
      of(1, NaN, Infinity, 5, 0),
      of(2, 1, 1, -Infinity, Infinity),
    );
    expect(gradient_cosine).toBeCloseTo(1, 12);
    expect(gradient_sign_agreement).toBe(1);
  });

  it('is undefined for a zero gradient and for none', () => {
    const undefinedAgreement = { gradient_cosine: null, gradient_sign_agreement: null };
    expect(computeGradientAgreement(of(0, 0), of(1, 1))).toEqual(undefinedAgreement);
    expect(computeGradientAgreement(of(), of())).toEqual(undefinedAgreement);
  });

  it('keeps the direction of the smallest and the largest floats', () => {
    expect(computeGradientAgreement(of(2 ** -149), of(2 ** -149)).gradient_cosine).toBe(1);
    expect(computeGradientAgreement(of(3e38, 3e38), of(3e38, 3e38)).gradient_cosine).toBeCloseTo(1);
  });

  it('is symmetric, bounded and blind to scale', () => {
    const value = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 1 }), (pairs) => {
        const g = of(...pairs.map(([x]) => x));
        const p = of(...pairs.map(([, x]) => x));
        const one = computeGradientAgreement(g, p);
        expect(computeGradientAgreement(p, g)).toEqual(one);
        expect(
          computeGradientAgreement(
            g.map((x) => 4 * x),
            p,
          ),
        ).toEqual(one);
        expect(Math.abs(one.gradient_cosine ?? 0)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('refuses vectors of different lengths', () => {
    expect(() => computeGradientAgreement(of(1), of(1, 2))).toThrow(RangeError);
  });
});
