import { normalDensity } from './normal-density';

/** Beyond it the share that is left is below the spacing of float64 at 1. */
const FAR = 8.5;
/** Terms after which no digit moves at |z| = 8.5. */
const MOST_TERMS = 200;

/**
 * Share of a normal distribution below x: Φ((x−μ)/σ).
 *
 * Shape       three scalars → scalar in [0, 1]
 * Units       none
 * NaN/Inf     NaN for σ ≤ 0 and for NaN; 0 and 1 at −∞ and +∞
 * Definition  ½ + φ(z)·(z + z³/3 + z⁵/15 + …), right to 1e-15 in absolute terms: small tails
 *             have no more digits than that
 * Source      G. Marsaglia, Evaluating the Normal Distribution, 2004; checked against
 *             scipy.stats.norm.cdf
 */
export function normalCumulative(x: number, mean: number, std: number): number {
  if (!(std > 0)) return NaN;
  const z = (x - mean) / std;
  if (z <= -FAR) return 0;
  if (z >= FAR) return 1;
  let sum = z;
  let term = z;
  for (let k = 1; k <= MOST_TERMS; k++) {
    term *= (z * z) / (2 * k + 1);
    const next = sum + term;
    if (next === sum) break;
    sum = next;
  }
  return Math.min(1, Math.max(0, 0.5 + sum * normalDensity(z, 0, 1)));
}
