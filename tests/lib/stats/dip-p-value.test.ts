import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DIP_NULL_PROBABILITIES, DIP_NULL_ROWS } from '@/lib/stats/dip-null-quantiles';
import { dipOfSample } from '@/lib/stats/dip-of-sample';
import { dipPValue } from '@/lib/stats/dip-p-value';
import { seededRandom } from '@/tests/seeded-random';

function readReference(name: string): unknown {
  const path = new URL(`../../fixtures/reference/${name}`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8'));
}

const { cases } = z
  .object({
    cases: z.array(
      z.object({ name: z.string(), n: z.number(), dip: z.number(), p_table: z.number() }),
    ),
  })
  .parse(readReference('dip-reference.json'));
const otherTable = z
  .object({
    prob: z.array(z.number()),
    n: z.array(z.number()),
    sqrtn_dip: z.array(z.array(z.number())),
  })
  .parse(readReference('dip-null.json'));

describe('dipPValue', () => {
  // At a dip of exactly 1/(2n) the reference averages tied quantiles; here it is 1.
  const between = cases.filter(
    ({ n, dip, p_table: p }) => p > 0.01 && p < 0.99 && dip > 1.000001 / (2 * n),
  );

  it('is compared in at least 20 cases', () => {
    expect(between.length).toBeGreaterThanOrEqual(20);
  });

  it.each(between)('is within 2 % of the reference’s on $name', ({ n, dip, p_table: p }) => {
    expect(Math.abs(dipPValue(dip, n) / p - 1)).toBeLessThan(0.02);
  });

  it('is 0 where the reference’s is, and near 1 where that is', () => {
    const certain = cases.filter(({ p_table: p }) => p === 0);
    expect(certain.length).toBeGreaterThan(10);
    for (const { n, dip, name } of certain) expect(dipPValue(dip, n), name).toBeLessThan(1e-4);
    for (const { n, dip, p_table: p, name } of cases) {
      if (p > 0.99) expect(dipPValue(dip, n), name).toBeGreaterThan(0.985);
    }
  });

  it.each([
    [0.5, 0.371],
    [0.9, 0.494],
    [0.95, 0.536],
    [0.99, 0.62],
    [0.999, 0.723],
  ])('has the published %s quantile of √n·dip at n = 1000, to its digits', (p, scaled) => {
    expect(dipPValue(scaled / Math.sqrt(1000), 1000)).toBeCloseTo(1 - p, 2);
    const row = DIP_NULL_ROWS.find(({ count }) => count === 1000)!;
    const quantile = row.quantiles[DIP_NULL_PROBABILITIES.indexOf(p)]!;
    expect(Math.abs(quantile / scaled - 1)).toBeLessThan(0.004);
  });

  it('agrees with a second simulation, within its noise', () => {
    expect(otherTable.prob).toEqual(DIP_NULL_PROBABILITIES);
    let compared = 0;
    for (const { count, quantiles } of DIP_NULL_ROWS) {
      const other = otherTable.sqrtn_dip[otherTable.n.indexOf(count)];
      if (other === undefined) continue;
      otherTable.prob.forEach((p, i) => {
        if (p < 0.01 || p > 0.999) return;
        compared++;
        // The other has 10,001 samples at n = 5000: its 95 % quantile is right to 0.5 %
        // (one standard deviation), its 99.9 % quantile to 1 %.
        const tolerance = p <= 0.99 ? 0.015 : 0.03;
        expect(Math.abs(quantiles[i]! / other[i]! - 1), `${count} ${p}`).toBeLessThan(tolerance);
      });
    }
    expect(compared).toBeGreaterThan(250);
  });

  it('is uniform over uniform samples', () => {
    const random = seededRandom(21);
    const samples = 2000;
    const ps = Array.from({ length: samples }, () => {
      const values = Float64Array.from({ length: 137 }, random);
      return dipPValue(dipOfSample(values), 137);
    }).sort((a, b) => a - b);
    // Kolmogorov's distance at the 0.1 % level: 1.95/√samples.
    const distance = Math.max(...ps.map((p, i) => Math.abs(p - (i + 0.5) / samples)));
    expect(distance).toBeLessThan(1.95 / Math.sqrt(samples));
  });

  it('falls with the dip', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 20_000 }),
        fc.double({ min: 0, max: 0.25, noNaN: true }),
        fc.double({ min: 0, max: 0.25, noNaN: true }),
        (count, a, b) => {
          const [small, large] = a < b ? [a, b] : [b, a];
          expect(dipPValue(large, count)).toBeLessThanOrEqual(dipPValue(small, count));
          expect(dipPValue(a, count)).toBeGreaterThanOrEqual(0);
          expect(dipPValue(a, count)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it('counts more than 10,000 values as 10,000: significant at 0.1 % from 0.0073', () => {
    expect(dipPValue(0.006, 5e6)).toBe(dipPValue(0.006, 10_000));
    expect(dipPValue(0.0072, 1e9)).toBeGreaterThan(0.001);
    expect(dipPValue(0.0075, 1e9)).toBeLessThan(0.001);
  });

  it('is 1 at the least possible dip and for three values or fewer', () => {
    expect(dipPValue(1 / 8, 4)).toBe(1);
    expect(dipPValue(1 / (2 * 999), 999)).toBe(1);
    expect(dipPValue(0, 500)).toBe(1);
    expect(dipPValue(0.1667, 3)).toBe(1);
  });

  it('is NaN for a dip that is', () => {
    expect(dipPValue(NaN, 100)).toBeNaN();
    expect(dipPValue(0.1, NaN)).toBeNaN();
  });
});
