/**
 * r = m/√v over coordinates whose gradients are a drift plus noise, g = ±ρ + noise of
 * variance 1, the drift's sign fixed for each coordinate: what a layer looks like while
 * its gradients correlate from step to step.
 */

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
 * Cosine c between the gradients of successive steps: ρ²/(1+ρ²), for many coordinates. The
 * peaks of r then lie at ±√c, since μ = ρ/√(1+ρ²): where they do not, they have another cause
 * (one gradient far above all before it, see ReferenceMarker).
 *
 * Shape  ρ ≥ 0 → scalar in [0, 1)
 */
export function lagOneCosineOfDrift(drift: number): number {
  return (drift * drift) / (1 + drift * drift);
}
