import type { RejectedStep } from './frame';

/**
 * Splits the steps of one request into those that may be stored and those that may not:
 * negative ones, ones beyond 2^53 − 1, and ones not above every step before them.
 * Each is answered for itself, so that one bad step never loses the others.
 */
export function orderSteps(steps: ArrayLike<bigint | number>): {
  readonly accepted: readonly { readonly index: number; readonly step: number }[];
  readonly rejected: readonly RejectedStep[];
} {
  const accepted: { index: number; step: number }[] = [];
  const rejected: RejectedStep[] = [];
  let newest = -1;
  for (let index = 0; index < steps.length; index++) {
    const step = Number(steps[index] ?? 0);
    if (step < 0) {
      rejected.push({ step, code: 'step_negative', message: `step ${step} is negative` });
    } else if (!Number.isSafeInteger(step)) {
      rejected.push({ step, code: 'step_out_of_range', message: `step ${step} is above 2^53 - 1` });
    } else if (step <= newest) {
      rejected.push({
        step,
        code: 'step_out_of_order',
        message: `step ${step} comes after step ${newest} in the same request; expected strictly increasing steps`,
      });
    } else {
      accepted.push({ index, step });
      newest = step;
    }
  }
  return { accepted, rejected };
}
