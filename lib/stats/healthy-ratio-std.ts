import type { GradientNoise } from './correlated-ratio';

/**
 * Standard deviation of r = m/√v over coordinates whose gradients are independent in time
 * with mean 0: the healthy state.
 *
 * sign      gradients ±1: √((1−β1)/(1+β1)), v being constant; what computeReferenceCurves draws
 * gaussian  the same with v's own scatter, to first order in 1−β2:
 *           variance · (1 + 2[(1−β2)/(1+β2) − (1−β1²)(1−β2)/(1−β1²β2)])
 *
 * Shape    betas in [0, 1) → scalar in (0, 1]: 0.2294 and 0.2258 at (0.9, 0.95)
 * Units    none
 * NaN/Inf  NaN for betas outside [0, 1)
 * Source   derived, and simulated in tests
 */
export function healthyRatioStd(beta1: number, beta2: number, noise: GradientNoise): number {
  if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) return NaN;
  const variance = (1 - beta1) / (1 + beta1);
  if (noise === 'sign') return Math.sqrt(variance);
  const square = beta1 * beta1;
  const scatter = (1 - beta2) / (1 + beta2);
  const shared = ((1 - square) * (1 - beta2)) / (1 - square * beta2);
  return Math.sqrt(variance * (1 + 2 * (scatter - shared)));
}
