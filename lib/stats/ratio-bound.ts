/**
 * Largest |r| = |m|/√v that Adam's moments can reach: (1−β1)/√((1−β2)(1−β1²/β2)).
 *
 * The worst gradients shrink by β1/β2 a step backwards (Cauchy–Schwarz); the bound holds
 * at every step, bias correction included.
 *
 * Shape    two scalars → scalar > 0, or null where no finite bound exists: β1² ≥ β2,
 *          β2 ≥ 1, or a beta outside [0, 1)
 * Units    none
 * NaN/Inf  null
 * Values   1.165 (.9,.95) · 1.698 (.9,.98) · 2.345 (.9,.99) · 7.270 (.9,.999)
 */
export function ratioBound(beta1: number, beta2: number): number | null {
  if (!(beta1 >= 0 && beta1 < 1 && beta2 > 0 && beta2 < 1)) return null;
  if (beta1 * beta1 >= beta2) return null;
  const bound = (1 - beta1) / Math.sqrt((1 - beta2) * (1 - (beta1 * beta1) / beta2));
  return Number.isFinite(bound) ? bound : null;
}
