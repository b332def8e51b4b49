import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dipOfSample } from '@/lib/stats/dip-of-sample';
import { readDipCases } from './dip-cases';
import { dipByDefinition, type Vertex } from './dip-definition';
import { normalFrom, seededRandom } from '@/tests/seeded-random';

const cases = readDipCases();

/** Small integers: many ties, and sums that are exact. */
const tiedSample = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 2, maxLength: 60 });
const anySample = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), {
  minLength: 2,
  maxLength: 60,
});

describe('dipOfSample', () => {
  it('has all 56 reference cases', () => {
    expect(cases).toHaveLength(56);
  });

  it.each(cases)('agrees with R’s diptest on $name', ({ dip, x }) => {
    expect(Math.abs(dipOfSample(x) - dip)).toBeLessThan(1e-12);
  });

  it('is the definition’s on small samples with ties', () => {
    const random = seededRandom(11);
    for (let i = 0; i < 300; i++) {
      const count = 4 + Math.floor(random() * 9);
      const values = Array.from({ length: count }, () => Math.floor(random() * 14) ** 2);
      const distinct = [...new Set(values)].sort((a, b) => a - b);
      const vertices = distinct.map((value): Vertex => [
        value,
        values.filter((other) => other < value).length / count,
        values.filter((other) => other <= value).length / count,
      ]);
      const expected = Math.max(dipByDefinition(vertices), 1 / (2 * count));
      expect(Math.abs(dipOfSample(values) - expected), values.join()).toBeLessThan(1e-10);
    }
  });

  it('stays between 1/(2n) and 1/4', () => {
    fc.assert(
      fc.property(fc.oneof(tiedSample, anySample), (values) => {
        const dip = dipOfSample(values);
        expect(dip).toBeGreaterThanOrEqual(1 / (2 * values.length));
        expect(dip).toBeLessThanOrEqual(0.25 + 1e-15);
      }),
    );
  });

  it('does not change with order, shift, scale or mirror', () => {
    fc.assert(
      fc.property(tiedSample, fc.integer({ min: -50, max: 50 }), (values, shift) => {
        const dip = dipOfSample(values);
        expect(dipOfSample([...values].reverse())).toBe(dip);
        expect(dipOfSample([...values].sort((a, b) => a - b))).toBe(dip);
        expect(dipOfSample(values.map((x) => 8 * x + shift))).toBeCloseTo(dip, 13);
        expect(dipOfSample(values.map((x) => x * 0.37 + 0.1))).toBeCloseTo(dip, 10);
        expect(dipOfSample(values.map((x) => -x))).toBeCloseTo(dip, 13);
      }),
    );
  });

  it('is half the smaller mass of two atoms', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), (a, b) => {
        const values = [...new Array<number>(a).fill(-3), ...new Array<number>(b).fill(7)];
        expect(dipOfSample(values)).toBeCloseTo(Math.min(a, b) / (2 * (a + b)), 14);
      }),
    );
  });

  it('is the same when every value is there twice, but for its least value', () => {
    fc.assert(
      fc.property(anySample, (values) => {
        const dip = dipOfSample([...values, ...values]);
        expect(Math.max(dip, 1 / (2 * values.length))).toBeCloseTo(dipOfSample(values), 13);
      }),
    );
  });

  it('is 1/(2n) for values that are equal or evenly spaced, NaN for none', () => {
    expect(dipOfSample([])).toBeNaN();
    expect(dipOfSample([4])).toBe(0.5);
    expect(dipOfSample([2, 2, 2, 2, 2])).toBe(0.1);
    expect(dipOfSample(Float32Array.from({ length: 1000 }, (_, i) => i))).toBe(0.0005);
  });

  it('leaves out what is not finite', () => {
    const values = [3, 1, NaN, 9, Infinity, 8, 1, -Infinity, 2];
    expect(dipOfSample(values)).toBe(dipOfSample([3, 1, 9, 8, 1, 2]));
    expect(dipOfSample([NaN, Infinity])).toBeNaN();
  });

  it('holds for the smallest and the largest numbers there are', () => {
    const values = [0, 1, 2, 3, 20, 21, 22, 23, 24];
    const dip = dipOfSample(values);
    expect(dipOfSample(values.map((x) => x * 5e-324))).toBeCloseTo(dip, 12);
    expect(dipOfSample(values.map((x) => (x - 12) * 1.4e307))).toBeCloseTo(dip, 12);
  });

  it('leaves its input as it is', () => {
    const values = Float32Array.of(3, 1, 2);
    dipOfSample(values);
    expect([...values]).toEqual([3, 1, 2]);
  });

  it('is small for a normal sample of the largest size on the wire', () => {
    const values = Float32Array.from({ length: 65_536 }, normalFrom(seededRandom(5)));
    expect(dipOfSample(values)).toBeLessThan(0.003);
  });
});
