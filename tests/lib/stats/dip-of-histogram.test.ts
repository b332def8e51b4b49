import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dipOfHistogram } from '@/lib/stats/dip-of-histogram';
import { dipOfSample } from '@/lib/stats/dip-of-sample';
import { computeRatioEdges } from '@/lib/stats/ratio-edges';
import { computeUpdateEdges } from '@/lib/stats/update-edges';
import { countInto, histogramOf } from './counted';
import { dipByDefinition, type Vertex } from './dip-definition';
import { normalFrom, seededRandom } from '@/tests/seeded-random';

const EDGES = [-4, -2, -1, -0.5, 0, 0.5, 1, 2, 4];
const eightCounts = fc.array(fc.nat(50), { minLength: 8, maxLength: 8 });
const zeroCount = fc.nat(60);

/** F at every edge and at 0, straight from its meaning. */
function verticesOf(edges: readonly number[], counts: readonly number[], zeros: number) {
  const total = counts.reduce((sum, count) => sum + count, zeros);
  const before = (x: number): number =>
    counts.reduce((sum, count, bin) => {
      const [left, right] = [edges[bin]!, edges[bin + 1]!];
      return sum + count * Math.min(1, Math.max(0, (x - left) / (right - left)));
    }, 0);
  const positions = [...new Set([...edges, 0])].sort((a, b) => a - b);
  return positions.map((x): Vertex => {
    const lo = before(x) + (x > 0 ? zeros : 0);
    return [x, lo / total, (lo + (x === 0 ? zeros : 0)) / total];
  });
}

describe('dipOfHistogram', () => {
  it.each([
    ['on an edge', EDGES],
    ['inside a bin', EDGES.map((edge) => edge + 0.25)],
    ['below all edges', EDGES.map((edge) => edge + 5)],
    ['above all edges', EDGES.map((edge) => edge - 5)],
  ])('is the least distance to a unimodal function, with the atom %s', (_, edges) => {
    const random = seededRandom(2);
    for (let i = 0; i < 60; i++) {
      const counts = EDGES.slice(1).map(() => Math.floor(30 * random() ** 2));
      const zeros = Math.floor(40 * random());
      const expected = dipByDefinition(verticesOf(edges, counts, zeros));
      const dip = dipOfHistogram(histogramOf(edges, counts, [0, 0, zeros, 0]));
      expect(Math.abs(dip - expected), `${counts.join()} ${zeros}`).toBeLessThan(1e-10);
    }
  });

  it('is between 0 and 1/4, the same for a mirrored, moved or stretched histogram', () => {
    fc.assert(
      fc.property(eightCounts, zeroCount, (counts, zeros) => {
        fc.pre(counts.some((count) => count > 0));
        const dip = dipOfHistogram(histogramOf(EDGES, counts, [0, 0, zeros, 0]));
        expect(dip).toBeGreaterThanOrEqual(0);
        expect(dip).toBeLessThanOrEqual(0.25);
        const mirrored = histogramOf(EDGES, [...counts].reverse(), [0, 0, zeros, 0]);
        expect(dipOfHistogram(mirrored)).toBeCloseTo(dip, 13);
        const stretched = EDGES.map((edge) => 0.125 * edge);
        expect(dipOfHistogram(histogramOf(stretched, counts, [0, 0, zeros, 0]))).toBe(dip);
        const moved = EDGES.map((edge) => edge + 16);
        expect(dipOfHistogram(histogramOf(moved, counts))).toBeCloseTo(
          dipOfHistogram(histogramOf(EDGES, counts)),
          13,
        );
      }),
    );
  });

  it('does not change when bins are split at even density', () => {
    fc.assert(
      fc.property(eightCounts, zeroCount, (counts, zeros) => {
        const edges = EDGES.slice(0, -1).flatMap((left, i) => [left, (left + EDGES[i + 1]!) / 2]);
        const halves = counts.flatMap((count) => [count, count]);
        const split = dipOfHistogram(histogramOf([...edges, 4], halves, [0, 0, 2 * zeros, 0]));
        const whole = dipOfHistogram(histogramOf(EDGES, counts, [0, 0, zeros, 0]));
        if (Number.isNaN(whole)) expect(split).toBeNaN();
        else expect(split).toBeCloseTo(whole, 13);
      }),
    );
  });

  it('is 0 for a hill on bins of any width, with exact zeros at its top', () => {
    const hill = [2, 6, 10, 12, 12, 10, 6, 2];
    expect(dipOfHistogram(histogramOf(EDGES, hill))).toBe(0);
    expect(dipOfHistogram(histogramOf(EDGES, hill, [0, 0, 500, 0]))).toBe(0);
    expect(dipOfHistogram(histogramOf([0, 1], [9]))).toBe(0);
  });

  it('is that of two atoms for two narrow bins far apart', () => {
    const edges = [-1, -0.999, 0.999, 1];
    expect(dipOfHistogram(histogramOf(edges, [50, 0, 50]))).toBeCloseTo(0.25, 2);
    expect(dipOfHistogram(histogramOf(edges, [20, 0, 80]))).toBeCloseTo(0.1, 2);
  });

  it('sees no peak in exact zeros alone, and no distribution in nothing', () => {
    expect(dipOfHistogram(histogramOf([-1, 1], [0], [0, 0, 9, 0]))).toBe(0);
    expect(dipOfHistogram(histogramOf([-1, 1], [0], [0, 0, 0, 5]))).toBeNaN();
  });

  it('is of the values within the edges, NaN where at least half lie outside', () => {
    const inside = dipOfHistogram(histogramOf([-1, -0.5, 0.5, 1], [30, 0, 30]));
    const withTails = histogramOf([-1, -0.5, 0.5, 1], [30, 0, 30], [29, 30, 0, 400]);
    expect(dipOfHistogram(withTails)).toBe(inside);
    const mostlyTails = histogramOf([-1, -0.5, 0.5, 1], [30, 0, 30], [30, 30, 0, 0]);
    expect(dipOfHistogram(mostlyTails)).toBeNaN();
  });

  it('is near the sample’s dip for r on 128 bins: within 0.003 for 20,000 coordinates', () => {
    const random = seededRandom(4);
    const normal = normalFrom(random);
    const edges = computeRatioEdges(0.9, 0.95);
    for (const [center, std] of [
      [0, 0.229],
      [0.287, 0.208],
      [0.707, 0.111],
      [0.949, 0.034],
    ] as const) {
      const values = Float32Array.from(
        { length: 20_000 },
        () => (random() < 0.5 ? center : -center) + std * normal(),
      );
      const dip = dipOfHistogram(countInto(edges, values));
      expect(Math.abs(dip - dipOfSample(values)), `±${center}`).toBeLessThan(0.003);
    }
  });

  it('sees two peaks of an update that has collapsed to 1e-6, low by 5 % at most', () => {
    const random = seededRandom(9);
    const normal = normalFrom(random);
    const values = Float32Array.from(
      { length: 20_000 },
      () => 1e-6 * ((random() < 0.5 ? 0.7 : -0.7) + 0.11 * normal()),
    );
    const share = dipOfHistogram(countInto(computeUpdateEdges(), values)) / dipOfSample(values);
    expect(share).toBeGreaterThan(0.95);
    expect(share).toBeLessThanOrEqual(1.001);
  });

  it('sees one peak in an update that is spiked at 0', () => {
    const random = seededRandom(10);
    const normal = normalFrom(random);
    const values = Float32Array.from({ length: 20_000 }, () => 1e-5 * normal() ** 3);
    expect(dipOfHistogram(countInto(computeUpdateEdges(), values))).toBeLessThan(0.005);
    expect(dipOfHistogram(countInto(computeRatioEdges(0.9, 0.95), values))).toBeLessThan(0.005);
  });

  it('refuses arrays that do not fit', () => {
    expect(() => dipOfHistogram(histogramOf([0, 1], [1, 2]))).toThrow(
      'expected B counts, B + 1 edges and 4 outside, got 2, 2 and 4',
    );
  });
});
