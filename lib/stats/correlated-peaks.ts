/**
 * Whether gradients that correlate in time explain two peaks of r = m/√v. A drift ±ρ under
 * noise of variance 1 has the lag-1 cosine c = ρ²/(1+ρ²) and splits r at ±√c: cosine and
 * peaks must tell the same story, and where they do not, the peaks have another cause.
 */
import { computeCorrelatedRatio } from './correlated-ratio';

interface Betas {
  readonly beta1: number;
  readonly beta2: number;
}

/** Where the two peaks of r may lie, as distances from 0. */
export interface CorrelatedPeaks {
  /** Of a drift that is equally large in every coordinate. */
  readonly nearest: number;
  /** Of a drift that is spread normally over coordinates. */
  readonly farthest: number;
}

/**
 * explained   the cosine puts two peaks where they are
 * too_weak    no split of r comes from so small a cosine, or from one below 0
 * elsewhere   it splits r, but the peaks lie at other places
 * any_noise   β1 averages so few gradients that noise alone may split r
 * unknown     a cosine, a place or a beta is missing or none
 */
export type PeakCause = 'explained' | 'too_weak' | 'elsewhere' | 'any_noise' | 'unknown';

/**
 * m of noise that is ±1 has a gap at 0 up to here (it is a Bernoulli convolution) and is
 * uniform at 0.5; only above it does noise alone have one peak whatever its own shape.
 */
const AVERAGING_BETA1 = 0.5;
/** Simulated peaks of fixed, normal and Laplace drifts lie up to 0.064 beyond: v scatters too. */
const MARGIN = 0.08;
const HALVINGS = 60;

/**
 * The smallest lag-1 cosine that can split r into two peaks: there half of N(μ, s²) and half
 * of N(−μ, s²) part, μ = s. A drift that differs between coordinates needs more.
 *
 * Shape    two betas → scalar in (0, 1); null where a beta is outside [0, 1) or β1 ≤ 0.5
 * Values   0.048 (.9, .95) · 0.024 (.95, .95) · 0.095 (.8, .95)
 * Source   derived; simulated in tests
 */
export function leastSplittingCosine({ beta1, beta2 }: Betas): number | null {
  if (!(beta1 > AVERAGING_BETA1 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) return null;
  let low = 0;
  let high = 1;
  for (let halving = 0; halving < HALVINGS; halving++) {
    const cosine = (low + high) / 2;
    const { center, std } = ratioOf(cosine, { beta1, beta2 });
    if (center < std) low = cosine;
    else high = cosine;
  }
  return high;
}

/**
 * Where gradients of that lag-1 cosine put the peaks of r. `nearest`: the higher solution of
 * x = μ·tanh(μx/s²), the mode of the two normals; `farthest`: √(1 − (1−c)/(3c)), the mode of
 * ρ/√(1+ρ²) for normal ρ, where that lies farther out.
 *
 * Shape    a cosine and two betas → two scalars in (0, 1); null where r has one peak
 * NaN/Inf  null
 */
export function placeCorrelatedPeaks(cosine: number, betas: Betas): CorrelatedPeaks | null {
  const least = leastSplittingCosine(betas);
  if (least === null || !(cosine >= least && cosine < 1)) return null;
  const { center, std } = ratioOf(cosine, betas);
  let nearest = center;
  for (let turn = 0; turn < HALVINGS; turn++) {
    nearest = center * Math.tanh((center * nearest) / (std * std));
  }
  const spread = 1 - (1 - cosine) / (3 * cosine);
  return { nearest, farthest: Math.max(center, spread > 0 ? Math.sqrt(spread) : 0) };
}

/**
 * What a lag-1 cosine, averaged over about the memory of m, says of two peaks of r at ±place.
 *
 * NaN/Inf  unknown; null stands for what was not reported
 */
export function explainPeaks(
  place: number | null,
  cosine: number | null,
  { beta1, beta2 }: { readonly beta1: number | null; readonly beta2: number | null },
): PeakCause {
  if (beta1 !== null && beta1 >= 0 && beta1 <= AVERAGING_BETA1) return 'any_noise';
  if (place === null || cosine === null || beta1 === null || beta2 === null) return 'unknown';
  const least = leastSplittingCosine({ beta1, beta2 });
  if (least === null || !(place > 0 && place < Infinity) || !(Math.abs(cosine) <= 1))
    return 'unknown';
  if (cosine < least) return 'too_weak';
  // A cosine of 1 is no noise at all: r is ±1.
  const peaks = placeCorrelatedPeaks(cosine, { beta1, beta2 }) ?? { nearest: 1, farthest: 1 };
  return place >= peaks.nearest - MARGIN && place <= peaks.farthest + MARGIN
    ? 'explained'
    : 'elsewhere';
}

function ratioOf(cosine: number, betas: Betas): { center: number; std: number } {
  const drift = Math.sqrt(cosine / (1 - cosine));
  return computeCorrelatedRatio({ ...betas, drift, noise: 'gaussian' });
}
