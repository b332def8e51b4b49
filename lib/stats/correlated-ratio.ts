/**
 * r = m/√v over coordinates whose gradients are a drift plus noise, g = ±ρ + noise of
 * variance 1, the drift's sign fixed for each coordinate: what a layer looks like while
 * its gradients correlate from step to step.
 */
import { normalDensity } from './normal-density';

/** sign: ±1 with equal chance; gaussian: N(0, 1). */
export type GradientNoise = 'sign' | 'gaussian';

export interface CorrelatedGradients {
  /** ρ ≥ 0, in standard deviations of the noise. */
  readonly drift: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly noise: GradientNoise;
}

/** Half N(+center, std²), half N(−center, std²). */
export interface CorrelatedRatio {
  readonly center: number;
  readonly std: number;
}

/**
 * The two normals that r follows: centers ±μ = ±ρ/√B with B = 1 + ρ², and
 *   s² = G1/B − 2ρ²C/B² + ρ⁴G2/B³ (+ ρ²G2/(2B³) for Gaussian noise),
 *   G1 = (1−β1)/(1+β1), G2 = (1−β2)/(1+β2), C = (1−β1)(1−β2)/(1−β1β2).
 *
 * Shape       ρ ≥ 0 and betas in [0, 1) → center and std; both NaN outside of that
 * Units       none
 * Definition  r linearised around the means of m and v, moments bias-corrected and long
 *             after the first step: good where 1−β2 is small. At ρ = 0 both noises give
 *             the healthy √G1; what v's scatter takes from it (1.6 % at 0.9, 0.95) is left out
 * Source      derived, and simulated in tests
 */
export function computeCorrelatedRatio(gradients: CorrelatedGradients): CorrelatedRatio {
  const { drift, beta1, beta2, noise } = gradients;
  const isDefined = drift >= 0 && beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1;
  if (!isDefined) return { center: NaN, std: NaN };
  const square = drift * drift;
  const power = 1 + square;
  const firstGain = (1 - beta1) / (1 + beta1);
  const secondGain = (1 - beta2) / (1 + beta2);
  const shared = ((1 - beta1) * (1 - beta2)) / (1 - beta1 * beta2);
  const noiseOfSquares = noise === 'gaussian' ? (square * secondGain) / (2 * power ** 3) : 0;
  const variance =
    firstGain / power -
    (2 * square * shared) / power ** 2 +
    (square * square * secondGain) / power ** 3 +
    noiseOfSquares;
  return { center: drift / Math.sqrt(power), std: Math.sqrt(variance) };
}

/**
 * Density of r under correlated gradients: ½N(x; μ, s²) + ½N(x; −μ, s²).
 *
 * Shape    two scalars and a point → scalar ≥ 0, even in x; integrates to 1
 * NaN/Inf  NaN for std ≤ 0
 */
export function correlatedRatioDensity(x: number, { center, std }: CorrelatedRatio): number {
  return (normalDensity(x, center, std) + normalDensity(x, -center, std)) / 2;
}

/**
 * Cosine between the gradients of successive steps: ρ²/(1+ρ²), for many coordinates.
 *
 * Shape  ρ ≥ 0 → scalar in [0, 1)
 */
export function lagOneCosineOfDrift(drift: number): number {
  return (drift * drift) / (1 + drift * drift);
}

/**
 * Where the peaks of r must lie if its gradients correlate with lag-1 cosine c: ±√c, since
 * μ = ρ/√(1+ρ²). Cosine and histogram must tell the same story; where they do not, the
 * peaks have another cause (one gradient far above all before it, see ReferenceMarker).
 *
 * Shape  cosine → scalar in [0, 1]; 0 for a cosine ≤ 0, which a steady drift cannot make
 */
export function modeOfLagOneCosine(cosine: number): number {
  return cosine > 0 ? Math.sqrt(cosine) : cosine <= 0 ? 0 : NaN;
}

/** Halvings after which no digit of a float64 moves. */
const BISECTION_STEPS = 60;

/**
 * Smallest drift ρ at which r has two peaks: where μ = s, as half of N(μ, s²) and half of
 * N(−μ, s²) have one peak up to there.
 *
 * Shape    betas in [0, 1) and the noise → ρ > 0: 0.22 (cosine 0.048) at (0.9, 0.95)
 * NaN/Inf  NaN for betas outside [0, 1)
 */
export function twoPeakDrift(beta1: number, beta2: number, noise: GradientNoise): number {
  const isBelow = (drift: number): boolean => {
    const { center, std } = computeCorrelatedRatio({ drift, beta1, beta2, noise });
    return center < std;
  };
  if (Number.isNaN(computeCorrelatedRatio({ drift: 0, beta1, beta2, noise }).std)) return NaN;
  let low = 0;
  let high = 1;
  while (isBelow(high)) high *= 2;
  for (let step = 0; step < BISECTION_STEPS; step++) {
    const middle = (low + high) / 2;
    if (isBelow(middle)) low = middle;
    else high = middle;
  }
  return high;
}
