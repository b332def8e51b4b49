import { computeCorrelatedRatio, lagOneCosineOfDrift } from '../../stats/correlated-ratio';
import { formatFixed, formatSetting } from '../text/format-number';
import type { NormalPart } from './reference-curve';

/** ρ of the drawn reference: a number, or the one that the measured cosine asks for. */
export type ChosenDrift = number | 'cosine';

export interface Betas {
  readonly beta1: number;
  readonly beta2: number;
}

/** What r would look like if gradients were a steady drift ±ρ under noise of variance 1. */
export interface CorrelatedReference {
  readonly parts: readonly NormalPart[];
  readonly drift: number;
  /** "correlated, ρ 0.5: peaks at ±0.45, lag-1 cosine 0.20". */
  readonly label: string;
}

/** What a person can choose without typing: about where two peaks begin, up to all but noiseless. */
export const DRIFT_CHOICES = [0.2, 0.3, 0.5, 1, 2, 3, 10] as const;

const LARGEST_DRIFT = 100;

/** "0.5" or "cosine"; null for anything else. */
export function parseDrift(text: string | null): ChosenDrift | null {
  if (text === 'cosine') return text;
  if (text === null || !/^\d{1,3}(\.\d{1,4})?$/.test(text)) return null;
  const drift = Number(text);
  return drift > 0 && drift <= LARGEST_DRIFT ? drift : null;
}

/** ρ = √(c/(1−c)); null for a cosine that no steady drift makes. */
export function driftOfCosine(cosine: number | null): number | null {
  if (cosine === null || !(cosine > 0 && cosine < 1)) return null;
  return Math.sqrt(cosine / (1 - cosine));
}

/**
 * The reference of a chosen ρ, or the reason why there is none. `cosine`: the measured
 * lag-1 cosine of the selected step.
 */
export function prepareCorrelatedReference(
  chosen: ChosenDrift | null,
  betas: Betas | null,
  cosine: number | null,
): CorrelatedReference | { readonly reason: string } | null {
  if (chosen === null) return null;
  if (betas === null)
    return { reason: 'No β1 and β2 were posted with the run: no correlated reference.' };
  const drift = chosen === 'cosine' ? driftOfCosine(cosine) : chosen;
  if (drift === null) {
    return {
      reason:
        cosine === null
          ? 'No lag-1 cosine was posted for the selected step: choose ρ.'
          : `A lag-1 cosine of ${formatFixed(cosine, 2)} is none that a steady drift makes: choose ρ.`,
    };
  }
  const { center, std } = computeCorrelatedRatio({ drift, ...betas, noise: 'gaussian' });
  if (!(std > 0)) return { reason: `The theory has no curve for ρ ${formatSetting(drift)}.` };
  return {
    drift,
    parts: [
      { weight: 0.5, mean: -center, std },
      { weight: 0.5, mean: center, std },
    ],
    label: `correlated, ρ ${formatSetting(Number(drift.toPrecision(2)))}: ±${formatFixed(center, 2)}, lag-1 cosine ${formatFixed(lagOneCosineOfDrift(drift), 2)}`,
  };
}
