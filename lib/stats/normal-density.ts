/**
 * Density of the normal distribution: exp(−(x−μ)²/2σ²)/(σ√2π).
 *
 * Shape    three scalars → scalar ≥ 0
 * Units    one over those of x
 * NaN/Inf  NaN for σ ≤ 0, which has no density
 * Source   scipy.stats.norm.pdf
 */
export function normalDensity(x: number, mean: number, std: number): number {
  if (!(std > 0)) return NaN;
  return Math.exp(-0.5 * ((x - mean) / std) ** 2) / (std * Math.sqrt(2 * Math.PI));
}
