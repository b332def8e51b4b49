import { describe, expect, it } from 'vitest';
import { healthyRatioStd } from '@/lib/stats/healthy-ratio-std';
import { computeReferenceCurves } from '@/lib/stats/reference-curves';
import { simulateAdam } from './simulated-adam';

describe('healthyRatioStd', () => {
  it.each([
    [0.9, 0.2294],
    [0.95, 0.1601],
    [0.8, 0.3333],
  ])('at β1 = %s is %s for gradients ±1, as the reference curve', (beta1, expected) => {
    expect(healthyRatioStd(beta1, 0.95, 'sign')).toBeCloseTo(expected, 4);
    expect(healthyRatioStd(beta1, 0.95, 'sign')).toBe(
      computeReferenceCurves(beta1, 0.95).healthyStd,
    );
  });

  it('is 0.2258 at (0.9, 0.95) for Gaussian gradients, and nears √G1 with β2', () => {
    expect(healthyRatioStd(0.9, 0.95, 'gaussian')).toBeCloseTo(0.2258, 4);
    expect(healthyRatioStd(0.9, 0.99999, 'gaussian')).toBeCloseTo(0.2294, 4);
  });

  it.each([
    [0.9, 0.95, 150],
    [0.95, 0.98, 400],
    [0.8, 0.95, 150],
  ])('is that of a simulated Adam at β1 = %s, β2 = %s', (beta1, beta2, steps) => {
    const coordinates = 20_000;
    const { ratios } = simulateAdam({
      drift: 0,
      noise: 'gaussian',
      coordinates,
      steps,
      seed: 3,
      beta1,
      beta2,
    });
    const std = Math.sqrt(ratios.reduce((sum, x) => sum + x * x, 0) / coordinates);
    // Three standard deviations of a std of 20,000 values: 1.5 %.
    expect(Math.abs(std / healthyRatioStd(beta1, beta2, 'gaussian') - 1)).toBeLessThan(0.015);
  });

  it('is NaN for betas outside [0, 1)', () => {
    expect(healthyRatioStd(1, 0.95, 'sign')).toBeNaN();
    expect(healthyRatioStd(0.9, -0.1, 'gaussian')).toBeNaN();
  });
});
