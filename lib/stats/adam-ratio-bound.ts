import { ratioBound } from './ratio-bound';

/** What a run says of its optimizer; undefined where it does not. */
export interface OptimizerSettings {
  readonly name: string;
  readonly beta1?: number | undefined;
  readonly beta2?: number | undefined;
}

/**
 * Relatives of Adam whose moments are not its two averages of g and g², coordinate by
 * coordinate: a look ahead in m (nadam), a maximum for v (adamax), one v for many
 * coordinates (adam-mini), moments rounded to 8 or 4 bits.
 */
const OTHER_MOMENTS = /nadam|adamax|mini|8bit|4bit|8-bit|4-bit/;

/** Whether an optimizer of that name keeps Adam's two averages (adam, AdamW, fused_adam, StableAdamW). */
export function keepsAdamMoments(name: string): boolean {
  const lower = name.toLowerCase();
  return lower.includes('adam') && !OTHER_MOMENTS.test(lower);
}

/**
 * The bound that |r| of a run must keep: `ratioBound` of its betas where its optimizer is
 * Adam, by whatever name (adam, AdamW, fused_adam, StableAdamW).
 *
 * Returns  null where there is nothing to hold r against: another optimizer, a beta that
 *          was not said, or β1² ≥ β2
 */
export function adamRatioBound({ name, beta1, beta2 }: OptimizerSettings): number | null {
  if (!keepsAdamMoments(name)) return null;
  return beta1 === undefined || beta2 === undefined ? null : ratioBound(beta1, beta2);
}
