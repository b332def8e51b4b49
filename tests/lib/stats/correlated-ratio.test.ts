import { describe, expect, it } from 'vitest';
import { computeBimodalityCoefficient } from '@/lib/stats/bimodality-coefficient';
import {
  computeCorrelatedRatio,
  lagOneCosineOfDrift,
  type CorrelatedGradients,
  type CorrelatedRatio,
} from '@/lib/stats/correlated-ratio';
import { computeDensityAt } from '@/lib/stats/density-at';
import { dipOfHistogram } from '@/lib/stats/dip-of-histogram';
import { dipOfSample } from '@/lib/stats/dip-of-sample';
import { findHistogramModes } from '@/lib/stats/histogram-modes';
import { normalDensity } from '@/lib/stats/normal-density';
import { computeRatioEdges } from '@/lib/stats/ratio-edges';
import { computeValleyDepth } from '@/lib/stats/valley-depth';
import { countInto } from './counted';
import { momentsOf } from './sample-moments';
import { simulateAdam } from './simulated-adam';

const BETAS = { beta1: 0.9, beta2: 0.95 } as const;
const COORDINATES = 20_000;

/**
 * Sampling noise of 20,000 coordinates, three standard deviations: 0.004 on a std of 0.23,
 * 0.02 on a cosine; 0.005 was seen on the dip. The formulas linearise in 1 − β2 = 0.05:
 * their std errs by up to 0.008.
 */
const TOLERANCE = { std: 0.004, cosine: 0.02, dip: 0.005, formula: 0.009 } as const;

/** β (0.9, 0.95). μ and s by the formulas; std, dip and cosine as measured once before. */
const CASES = [
  { noise: 'sign', drift: 0, mu: 0, s: 0.2294, std: 0.2294, dip: 0.001, cosine: 0 },
  { noise: 'sign', drift: 0.3, mu: 0.287, s: 0.208, std: 0.349, dip: 0.009, cosine: 0.083 },
  { noise: 'sign', drift: 1, mu: 0.707, s: 0.111, std: 0.711, dip: 0.158, cosine: 0.5 },
  { noise: 'sign', drift: 3, mu: 0.949, s: 0.034, std: 0.95, dip: 0.226, cosine: 0.9 },
  { noise: 'sign', drift: 10, mu: 0.995, s: 0.01, std: 0.995, dip: 0.241, cosine: 0.99 },
  { noise: 'gaussian', drift: 0, mu: 0, s: 0.2294, std: 0.226, dip: 0.001, cosine: 0 },
  { noise: 'gaussian', drift: 0.3, mu: 0.287, s: 0.21, std: 0.353, dip: 0.011, cosine: 0.083 },
  { noise: 'gaussian', drift: 1, mu: 0.707, s: 0.118, std: 0.715, dip: 0.155, cosine: 0.5 },
  { noise: 'gaussian', drift: 3, mu: 0.949, s: 0.035, std: 0.95, dip: 0.222, cosine: 0.9 },
  { noise: 'gaussian', drift: 10, mu: 0.995, s: 0.01, std: 0.995, dip: 0.241, cosine: 0.99 },
] as const;

describe.each(CASES)('r with $noise noise and a drift of $drift', (row) => {
  const { noise, drift } = row;
  const { ratios, lagOneCosine } = simulateAdam({
    drift,
    noise,
    coordinates: COORDINATES,
    steps: 150,
    seed: 17,
  });
  const moments = momentsOf(ratios);
  const model = computeCorrelatedRatio({ drift, noise, ...BETAS });
  const histogram = countInto(computeRatioEdges(0.9, 0.95), ratios);

  it('has the formulas’ μ and s', () => {
    expect(Math.abs(model.center - row.mu)).toBeLessThan(0.0006);
    expect(Math.abs(model.std - row.s)).toBeLessThan(0.0006);
  });

  it('has the standard deviation of the mixture, and the one measured', () => {
    const ofMixture = Math.hypot(model.center, model.std);
    expect(Math.abs(moments.std - ofMixture)).toBeLessThan(TOLERANCE.formula);
    expect(Math.abs(moments.std - row.std)).toBeLessThan(TOLERANCE.std);
  });

  it('has the dip measured, from the sample and from 128 bins', () => {
    expect(Math.abs(dipOfSample(ratios) - row.dip)).toBeLessThan(TOLERANCE.dip);
    expect(Math.abs(dipOfHistogram(histogram) - row.dip)).toBeLessThan(TOLERANCE.dip);
  });

  it('has the lag-1 cosine ρ²/(1+ρ²), and its modes at the cosine’s root', () => {
    expect(lagOneCosineOfDrift(drift)).toBeCloseTo(row.cosine, 2);
    expect(Math.abs(lagOneCosine - row.cosine)).toBeLessThan(TOLERANCE.cosine);
    expect(Math.sqrt(lagOneCosineOfDrift(drift))).toBeCloseTo(model.center, 12);
    if (drift === 0) return;
    const positions = findHistogramModes(histogram).map(({ position }) => position);
    expect(positions).toHaveLength(2);
    const [low, high] = positions;
    const expected = Math.sqrt(lagOneCosine);
    // Peaks that overlap (s near μ) lie a little apart from the centers.
    expect(Math.abs((high! - low!) / 2 - expected)).toBeLessThan(0.04);
  });

  it('follows the density', () => {
    const halfWidth = 0.1;
    for (const point of [-0.95, -0.7, -0.3, 0, 0.2, 0.5, 0.9]) {
      const [density] = computeDensityAt(histogram, [point], halfWidth);
      let expected = 0;
      const parts = 400;
      for (let i = 0; i < parts; i++) {
        const x = point - halfWidth + ((i + 0.5) * 2 * halfWidth) / parts;
        expected += densityOf(x, model) / parts;
      }
      // Shares within the window, and with them half of the peak's to one side.
      expect(Math.abs(density! - expected) * 2 * halfWidth).toBeLessThan(0.06);
    }
  });

  it('is told apart by the simpler measures from a drift of 1', () => {
    const coefficient = computeBimodalityCoefficient(moments);
    const depth = computeValleyDepth(histogram);
    if (drift >= 1) {
      expect(coefficient).toBeGreaterThan(0.88);
      expect(depth).toBeGreaterThan(0.98);
    } else if (drift === 0) {
      expect(coefficient).toBeLessThan(0.4);
      expect(depth).toBeLessThan(0.1);
    }
  });
});

describe('the drift at which two peaks appear', () => {
  it.each([
    [0.9, 0.22, 0.048],
    [0.95, 0.16, 0.024],
    [0.8, 0.32, 0.095],
  ])('is at β1 = %s about %s, a lag-1 cosine of %s: μ = s', (beta1, drift, cosine) => {
    for (const noise of ['sign', 'gaussian'] as const) {
      const found = twoPeakDrift({ beta1, beta2: 0.95, noise });
      expect(found).toBeCloseTo(drift, 2);
      expect(Math.abs(lagOneCosineOfDrift(found) - cosine)).toBeLessThan(0.0015);
    }
  });

  it('is where the density at 0 turns from a peak into a valley', () => {
    const found = twoPeakDrift({ noise: 'sign', ...BETAS });
    const curvature = (drift: number): number => {
      const model = computeCorrelatedRatio({ drift, noise: 'sign', ...BETAS });
      return densityOf(0.01, model) - densityOf(0, model);
    };
    expect(curvature(found * 0.98)).toBeLessThan(0);
    expect(curvature(found * 1.02)).toBeGreaterThan(0);
  });
});

it.each([
  ['a drift below 0', { drift: -1, beta1: 0.9, beta2: 0.95 }],
  ['a β1 of 1', { drift: 0, beta1: 1, beta2: 0.95 }],
  ['a β2 below 0', { drift: 0, beta1: 0.9, beta2: -0.1 }],
])('nothing is known of %s', (_, gradients) => {
  const { center, std } = computeCorrelatedRatio({ ...gradients, noise: 'sign' });
  expect([center, std]).toEqual([NaN, NaN]);
});

/** ½N(x; μ, s²) + ½N(x; −μ, s²). */
function densityOf(x: number, { center, std }: CorrelatedRatio): number {
  return (normalDensity(x, center, std) + normalDensity(x, -center, std)) / 2;
}

/** Smallest drift with μ ≥ s: up to there half of N(μ, s²) and half of N(−μ, s²) have one peak. */
function twoPeakDrift(of: Omit<CorrelatedGradients, 'drift'>): number {
  let low = 0;
  let high = 1;
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    const { center, std } = computeCorrelatedRatio({ drift: middle, ...of });
    if (center < std) low = middle;
    else high = middle;
  }
  return high;
}
