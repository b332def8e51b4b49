import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildSampleBins } from '@/lib/stats/sample-bins';
import { computeSampleStatistics, type LayerSample } from '@/lib/stats/sample-statistics';
import { naiveCounts, naiveStatistics, ratiosOf, updatesOf } from './naive-statistics';

const bins = buildSampleBins(0.9, 0.95);

function compute(sample: LayerSample, epsilon = 1e-8, parameterCount = 1000) {
  const rows = {
    ratioCounts: new Uint32Array(128),
    updateCounts: new Uint32Array(418),
    ratioOutside: new Uint32Array(4),
    updateOutside: new Uint32Array(4),
  };
  const metrics = computeSampleStatistics(sample, { epsilon, parameterCount, bins }, rows);
  return { metrics, ...rows };
}

function sampleOf(...coordinates: readonly (readonly [g: number, m: number, v: number])[]) {
  return {
    gradient: Float32Array.from(coordinates, ([g]) => g),
    firstMoment: Float32Array.from(coordinates, ([, m]) => m),
    secondMoment: Float32Array.from(coordinates, ([, , v]) => v),
  };
}

const total = (counts: Uint32Array) => counts.reduce((sum, count) => sum + count, 0);

const anyFloat32 = fc.float({ noDefaultInfinity: false, noNaN: false });
const moderate = fc
  .tuple(fc.double({ min: -14, max: 2, noNaN: true }), fc.boolean())
  .map(([exponent, isNegative]) => Math.fround((isNegative ? -1 : 1) * 10 ** exponent));
const wild = fc.oneof(
  anyFloat32,
  moderate,
  fc.constantFrom(0, -0, 1, -1, NaN, Infinity, -Infinity, 1.4e-45, 3.4e38),
);
const coordinate = fc.oneof(
  fc.tuple(wild, wild, wild),
  fc.tuple(moderate, moderate, moderate.map(Math.abs)),
);
const coordinates = fc.array(coordinate, { minLength: 1, maxLength: 40 });
const epsilons = fc.constantFrom(0, 1e-12, 1e-8, 1e-5, 0.1, 1);

/** Equal to rounding; NaN and infinities exactly. */
function expectClose(actual: number, expected: number, name: string): void {
  if (!Number.isFinite(expected)) {
    expect(actual, name).toBe(expected);
    return;
  }
  expect(Math.abs(actual - expected), `${name}: ${actual} for ${expected}`).toBeLessThanOrEqual(
    1e-6 * Math.abs(expected),
  );
}

describe('computeSampleStatistics', () => {
  it('is the plain definition for any coordinates whatever', () => {
    fc.assert(
      fc.property(coordinates, epsilons, (list, epsilon) => {
        const sample = sampleOf(...list);
        const { metrics } = compute(sample, epsilon);
        const expected = naiveStatistics(sample, epsilon, 1000);
        const spread = Math.max(Math.abs(expected.update_abs_max), 0);
        for (const [name, value] of Object.entries(expected)) {
          // Cancelled means and spreads are compared on the scale of the values they are of.
          if (name === 'update_mean' || name === 'update_std') {
            const actual = metrics![name];
            if (Number.isNaN(value)) expect(actual, name).toBeNaN();
            else expect(Math.abs(actual - value), name).toBeLessThanOrEqual(1e-6 * spread);
          } else if (name === 'ratio_std') {
            const largest = Math.max(
              ...ratiosOf(sample)
                .filter((x) => Number.isFinite(Math.fround(x)))
                .map(Math.abs),
              0,
            );
            const actual = metrics!.ratio_std;
            if (Number.isNaN(value)) expect(actual, name).toBeNaN();
            else expect(Math.abs(actual - value), name).toBeLessThanOrEqual(1e-6 * largest);
          } else {
            expectClose(metrics![name as keyof typeof expected], value, name);
          }
        }
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('counts every value where a search of the edges finds it', () => {
    fc.assert(
      fc.property(coordinates, epsilons, (list, epsilon) => {
        const sample = sampleOf(...list);
        const result = compute(sample, epsilon);
        const ratio = naiveCounts(ratiosOf(sample), bins.ratioEdges);
        const update = naiveCounts(updatesOf(sample, epsilon), bins.updateEdges);
        expect(result.ratioCounts).toEqual(ratio.counts);
        expect(result.ratioOutside).toEqual(ratio.outside);
        expect(result.updateCounts).toEqual(update.counts);
        expect(result.updateOutside).toEqual(update.outside);
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  it('puts every edge itself into the bin away from 0, on both sides', () => {
    const edges = [...bins.updateEdges, ...bins.ratioEdges];
    const near = edges.flatMap((edge) => [edge, edge * (1 + 2 ** -23), edge * (1 - 2 ** -23)]);
    // v = 1 and ε = 0 make r = u = m.
    const sample = sampleOf(...near.map((m) => [0, m, 1] as const));
    const result = compute(sample, 0);
    expect(result.updateCounts).toEqual(
      naiveCounts([...sample.firstMoment], bins.updateEdges).counts,
    );
    expect(result.ratioCounts).toEqual(
      naiveCounts([...sample.firstMoment], bins.ratioEdges).counts,
    );
  });

  it('counts each coordinate once in each histogram', () => {
    fc.assert(
      fc.property(coordinates, (list) => {
        const result = compute(sampleOf(...list));
        expect(total(result.ratioCounts) + total(result.ratioOutside)).toBe(list.length);
        expect(total(result.updateCounts) + total(result.updateOutside)).toBe(list.length);
      }),
    );
  });

  it('mirrors the histograms when signs are turned', () => {
    fc.assert(
      fc.property(coordinates, (list) => {
        const one = compute(sampleOf(...list));
        const other = compute(sampleOf(...list.map(([g, m, v]) => [-g, -m, v] as const)));
        expect(other.ratioCounts).toEqual(one.ratioCounts.toReversed());
        expect(other.updateCounts).toEqual(one.updateCounts.toReversed());
        expect(other.ratioOutside[0]).toBe(one.ratioOutside[1]);
      }),
    );
  });

  it('gives the whole from merged parts', () => {
    fc.assert(
      fc.property(coordinates, coordinates, (left, right) => {
        const parts = [compute(sampleOf(...left)), compute(sampleOf(...right))] as const;
        const whole = compute(sampleOf(...left, ...right));
        for (const row of [
          'ratioCounts',
          'updateCounts',
          'ratioOutside',
          'updateOutside',
        ] as const) {
          expect(whole[row]).toEqual(parts[0][row].map((count, i) => count + parts[1][row][i]!));
        }
        const squares = (index: 0 | 1, count: number) =>
          parts[index].metrics!.gradient_rms ** 2 * count;
        expectClose(
          whole.metrics!.gradient_rms,
          Math.sqrt(
            (squares(0, left.length) + squares(1, right.length)) / (left.length + right.length),
          ),
          'gradient_rms',
        );
      }),
    );
  });

  it('does not care for the order of coordinates', () => {
    fc.assert(
      fc.property(coordinates, (list) => {
        const one = compute(sampleOf(...list));
        const other = compute(sampleOf(...list.toReversed()));
        expect(other.ratioCounts).toEqual(one.ratioCounts);
        expect(other.updateCounts).toEqual(one.updateCounts);
        expectClose(other.metrics!.rms, one.metrics!.rms, 'rms');
        expectClose(other.metrics!.gradient_norm, one.metrics!.gradient_norm, 'gradient_norm');
        expect(other.metrics!.update_small_fraction).toBe(one.metrics!.update_small_fraction);
      }),
    );
  });

  it('crosses its blocks without losing a coordinate', () => {
    for (const count of [1023, 1024, 1025, 2500]) {
      const list = Array.from({ length: count }, (_, i) => [i, i % 7, (i % 5) + 1] as const);
      const sample = sampleOf(...list);
      const { metrics, ratioCounts, ratioOutside } = compute(sample);
      expectClose(metrics!.update_std, naiveStatistics(sample, 1e-8, 1000).update_std, 'std');
      expect(total(ratioCounts) + total(ratioOutside)).toBe(count);
    }
  });

  it('scales the norm and the count of non-finite gradients to the layer', () => {
    const { metrics } = compute(sampleOf([3, 1, 1], [4, 1, 1]), 1e-8, 200);
    expect(metrics!.gradient_rms).toBeCloseTo(Math.sqrt(12.5), 12);
    expect(metrics!.gradient_norm).toBeCloseTo(50, 12);
    const diverged = compute(sampleOf([NaN, 1, 1], [4, 1, 1], [1, 1, 1], [1, 1, 1]), 1e-8, 200);
    expect(diverged.metrics!.gradient_nonfinite_count).toBe(50);
  });

  it('lets a diverged gradient show in its norms and nowhere else', () => {
    const { metrics } = compute(sampleOf([Infinity, 0.5, 1], [1e-9, -0.5, 1]));
    expect(metrics!.gradient_norm).toBe(Infinity);
    expect(metrics!.gradient_abs_max).toBe(Infinity);
    expect(metrics!.rms).toBe(Infinity);
    expect(metrics!.gradient_below_epsilon_fraction).toBe(1);
    expect(metrics!.update_std).toBeCloseTo(0.5, 6);
    expect(compute(sampleOf([NaN, 0.5, 1])).metrics!.gradient_abs_max).toBeNaN();
  });

  it('takes 0/0 as 0 and anything else over 0 as non-finite', () => {
    const result = compute(sampleOf([0, 0, 0], [1, 1, 0]), 0);
    expect([...result.ratioOutside]).toEqual([0, 0, 1, 1]);
    expect([...result.updateOutside]).toEqual([0, 0, 1, 1]);
    expect(result.metrics!.ratio_std).toBe(0);
    // With ε > 0 the update is finite, only the ratio is not.
    const withEpsilon = compute(sampleOf([0, 0, 0], [1, 1, 0]), 1);
    expect([...withEpsilon.ratioOutside]).toEqual([0, 0, 1, 1]);
    expect([...withEpsilon.updateOutside]).toEqual([0, 0, 1, 0]);
  });

  it('counts a ratio that Adam cannot have made as underflow or overflow', () => {
    const { ratioOutside } = compute(sampleOf([0, 1.17, 1], [0, -1.17, 1], [0, 1.16, 1]));
    expect([...ratioOutside]).toEqual([1, 1, 0, 0]);
  });

  it('leaves a negative second moment out and says so', () => {
    const { metrics, ratioOutside } = compute(sampleOf([1, 1, -1], [1, 1, 1e-20]));
    expect(ratioOutside[3]).toBe(1);
    expect(metrics!.second_moment_below_epsilon_fraction).toBe(1);
    expect(metrics!.rms).toBeNaN();
  });

  it('reads subnormal moments exactly', () => {
    const tiny = 2 ** -149;
    const { metrics } = compute(sampleOf([tiny, tiny, tiny]), 0);
    expect(metrics!.update_abs_max).toBe(Math.fround(tiny / Math.sqrt(tiny)));
    expect(metrics!.gradient_rms).toBe(tiny);
  });

  it('makes zeros of a layer that gets no gradient', () => {
    const result = compute(sampleOf([0, 0, 0], [0, 0, 0]));
    expect(result.metrics).toMatchObject({
      gradient_norm: 0,
      gradient_below_epsilon_fraction: 1,
      second_moment_below_epsilon_fraction: 1,
      update_std: 0,
      update_small_fraction: 1,
      ratio_std: 0,
      rms: 0,
    });
    expect(result.ratioOutside[2]).toBe(2);
  });

  it('keeps the digits of a spread that is small beside its mean', () => {
    const list = Array.from({ length: 1000 }, (_, i) => [1, 1 + (i % 2) * 2 ** -20, 1] as const);
    expectClose(compute(sampleOf(...list), 0).metrics!.ratio_std, 2 ** -21, 'ratio_std');
  });

  it('reports NaN where not one value is finite', () => {
    const { metrics } = compute(sampleOf([NaN, NaN, NaN], [NaN, NaN, NaN]));
    expect(metrics!.update_mean).toBeNaN();
    expect(metrics!.update_abs_max).toBeNaN();
    expect(metrics!.ratio_std).toBeNaN();
    expect(metrics!.gradient_nonfinite_count).toBe(1000);
  });

  it('says nothing of an empty sample', () => {
    const result = compute(sampleOf());
    expect(result.metrics).toBeNull();
    expect(total(result.ratioCounts)).toBe(0);
  });

  it('refuses samples of different lengths', () => {
    const sample = { ...sampleOf([1, 1, 1]), firstMoment: new Float32Array(2) };
    expect(() => compute(sample)).toThrow(RangeError);
  });
});
