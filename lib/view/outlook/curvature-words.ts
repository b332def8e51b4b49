/** In words: how the curvature stands against what Adam stands. */
import { STABILITY_LIMIT, type Warning } from '../../contract/warnings';
import { formatNumber, formatStep } from '../text/format-number';

export interface CurvatureView {
  /** The newest stability ratio, and the step it was measured on. */
  readonly ratio: string;
  readonly step: number;
  readonly sentence: string;
  /** What may help; empty while nothing is the matter. */
  readonly advice: readonly string[];
}

/** null for a run that has no stability ratio. */
export function prepareCurvature(
  newest: { readonly step: number; readonly value: number } | null,
  warnings: readonly Warning[],
): CurvatureView | null {
  if (newest === null) return null;
  const open = warnings.filter(({ toStep }) => toStep === null);
  return {
    ratio: formatNumber(newest.value),
    step: newest.step,
    sentence: describeRatio(newest.value),
    advice: open.map(
      ({ advice, peakValue, peakStep }) =>
        `${advice} Highest ${formatNumber(peakValue)} at ${formatStep(peakStep)}.`,
    ),
  };
}

/** A full batch sits at 0.8 to 1.1 by itself (the adaptive edge of stability). */
function describeRatio(ratio: number): string {
  if (ratio > 1.2) return 'Beyond what momentum descent stands: 1 is the limit.';
  if (ratio > STABILITY_LIMIT) return 'At the limit; up to 1.1 is usual for full batches.';
  if (ratio >= 0.8) return 'Near the limit of 1, where full batches settle by themselves.';
  return 'Below the limit of 1.';
}

/** The one sentence for the verdict; null where no warning is open. */
export function describeOpenWarning(warnings: readonly Warning[]): string | null {
  const open = warnings.findLast(({ toStep }) => toStep === null);
  if (open === undefined) return null;
  return `${open.title} since ${formatStep(open.fromStep)}, stability ratio up to ${formatNumber(open.peakValue)}.`;
}
