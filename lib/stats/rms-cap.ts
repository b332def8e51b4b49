/** RMS_t from which an update is called a spike (Wortsman et al. 2023). */
export const RMS_SPIKE_LEVEL = 2.3;

/**
 * Largest RMS_t = √mean(g²/max(v, ε²)) that there can be: v holds (1−β2)·g² of the newest
 * gradient, so that g²/v ≤ 1/(1−β2) however large it is. The bias correction only takes from it.
 *
 * Shape    scalar → 1/√(1−β2) ≥ 1; null where β2 is not given or outside [0, 1)
 * Values   2.236 (.8) · 4.472 (.95) · 31.62 (.999)
 */
export function rmsCap(beta2: number | null | undefined): number | null {
  if (beta2 === null || beta2 === undefined || !(beta2 >= 0 && beta2 < 1)) return null;
  return 1 / Math.sqrt(1 - beta2);
}

/** Whether no gradient can take RMS_t to the level of a spike: β2 < 1 − 1/2.3² = 0.811. */
export function isRmsLevelOutOfReach(beta2: number | null | undefined): boolean {
  const cap = rmsCap(beta2);
  return cap !== null && cap < RMS_SPIKE_LEVEL;
}

/**
 * How many times larger than before all gradients of a tensor have become, for its RMS_t to
 * be this after steady gradients: k of RMS = k/√(β2 + (1−β2)k²), which nears the cap and
 * tells 10 from 100 times no longer.
 *
 * Shape    scalar ≥ 0 → scalar; null without β2, and from the cap on
 * NaN/Inf  null
 * Values   10.0 (4.10, .95) · 2.61 (2.3, .95) · 2.31 (2.3, .999)
 */
export function gradientGrowthOfRms(rms: number, beta2: number | null | undefined): number | null {
  const cap = rmsCap(beta2);
  if (cap === null || beta2 === null || beta2 === undefined || !(rms >= 0 && rms < cap))
    return null;
  return rms * Math.sqrt(beta2 / (1 - (1 - beta2) * rms * rms));
}
