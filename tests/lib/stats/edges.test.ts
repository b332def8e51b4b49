import { describe, expect, it } from 'vitest';
import { buildMagnitudeTable } from '@/lib/stats/magnitude-table';
import { ratioBound } from '@/lib/stats/ratio-bound';
import { computeRatioEdges } from '@/lib/stats/ratio-edges';
import { computeUpdateEdges } from '@/lib/stats/update-edges';

function expectRisingAndMirrored(edges: Float32Array): void {
  edges.forEach((edge, i) => {
    expect(edge + edges[edges.length - 1 - i]!).toBe(0);
    if (i > 0) expect(edge).toBeGreaterThan(edges[i - 1]!);
  });
}

describe('ratioBound', () => {
  it.each([
    [0.95, 1.165],
    [0.98, 1.698],
    [0.99, 2.345],
    [0.999, 7.27],
  ])('at β1 = 0.9 and β2 = %d is %d', (beta2, expected) => {
    expect(ratioBound(0.9, beta2)).toBeCloseTo(expected, 3);
  });

  it('is approached by the worst gradients and passed by none', () => {
    const [beta1, beta2, steps] = [0.9, 0.95, 200];
    const ratioAfter = (gradientAt: (t: number) => number) => {
      let m = 0;
      let v = 0;
      for (let t = 0; t < steps; t++) {
        const g = gradientAt(t);
        m = beta1 * m + (1 - beta1) * g;
        v = beta2 * v + (1 - beta2) * g * g;
      }
      return m / (1 - beta1 ** steps) / Math.sqrt(v / (1 - beta2 ** steps));
    };
    const bound = ratioBound(beta1, beta2)!;
    const worst = ratioAfter((t) => (beta1 / beta2) ** (steps - t));
    expect(worst).toBeLessThanOrEqual(bound);
    expect(worst).toBeGreaterThan(0.999 * bound);
    expect(ratioAfter(() => 1)).toBeLessThan(bound);
    expect(ratioAfter((t) => (t === steps - 1 ? 1 : 0))).toBeLessThan(bound);
  });

  it('does not exist where β1² ≥ β2 or a beta is out of range', () => {
    expect(ratioBound(0.99, 0.95)).toBeNull();
    expect(ratioBound(0.9, 1)).toBeNull();
    expect(ratioBound(1, 0.95)).toBeNull();
    expect(ratioBound(NaN, 0.95)).toBeNull();
    expect(ratioBound(0.9, 0)).toBeNull();
  });
});

describe('computeRatioEdges', () => {
  it('rises in 128 equal bins, mirrored around an edge at 0', () => {
    const edges = computeRatioEdges(0.9, 0.95);
    expect(edges.length).toBe(129);
    expect(edges[64]).toBe(0);
    expectRisingAndMirrored(edges);
    expect(edges[128]).toBeCloseTo(1.001 * ratioBound(0.9, 0.95)!, 6);
  });

  it('falls back to the range of the recommended betas', () => {
    const fallback = computeRatioEdges(0.9, 0.999);
    expect(fallback[128]).toBeCloseTo(7.278, 3);
    expect(computeRatioEdges(null, 0.95)).toEqual(fallback);
    expect(computeRatioEdges(0.99, 0.95)).toEqual(fallback);
  });
});

describe('computeUpdateEdges', () => {
  it('rises over 13 decades on either side of 0', () => {
    const edges = computeUpdateEdges();
    expect(edges.length).toBe(419);
    expect([edges[0], edges[209], edges[418]]).toEqual([-10, 0, 10]);
    expect(edges[210]).toBe(Math.fround(1e-12));
    expect(edges[226]! / edges[210]!).toBeCloseTo(10, 5);
    expectRisingAndMirrored(edges);
  });
});

describe('buildMagnitudeTable', () => {
  it('refuses edges that share a cell', () => {
    expect(() => buildMagnitudeTable(Float32Array.of(1.01, 1.02))).toThrow(RangeError);
    expect(() => buildMagnitudeTable(Float32Array.of(1.01, 1.2))).not.toThrow();
  });
});
