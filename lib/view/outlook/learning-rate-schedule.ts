/** What the reported learning rates say of their schedule. */
export interface LearningRateSchedule {
  readonly newest: number;
  readonly peak: number;
  /** The first step at the peak rate; null where the rate began there. */
  readonly warmUpEndStep: number | null;
}

/** Rounding of a posted rate is no schedule. */
const AT_PEAK = 0.999;

/**
 * Shape    `toStep` and `rates` of the same length, steps ascending
 * NaN/Inf  steps without a rate are left out
 * Empty    null
 */
export function readSchedule(
  toStep: ArrayLike<number>,
  rates: ArrayLike<number>,
): LearningRateSchedule | null {
  let peak = 0;
  let newest = NaN;
  let first = NaN;
  for (let i = 0; i < rates.length; i++) {
    const rate = rates[i] ?? NaN;
    if (!Number.isFinite(rate)) continue;
    if (Number.isNaN(first)) first = rate;
    newest = rate;
    peak = Math.max(peak, rate);
  }
  if (Number.isNaN(newest) || peak <= 0) return null;
  if (first >= AT_PEAK * peak) return { newest, peak, warmUpEndStep: null };
  for (let i = 0; i < rates.length; i++) {
    if ((rates[i] ?? NaN) >= AT_PEAK * peak) {
      return { newest, peak, warmUpEndStep: toStep[i] ?? null };
    }
  }
  return { newest, peak, warmUpEndStep: null };
}
