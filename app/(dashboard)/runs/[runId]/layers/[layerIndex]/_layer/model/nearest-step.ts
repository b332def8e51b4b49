import type { StepWindow } from '@/lib/view/layer/chosen-steps';

/** The reported step nearest to a place along the window; null where nothing was reported. */
export function nearestStep(
  reported: readonly number[],
  { fromStep, toStep }: StepWindow,
  share: number,
): number | null {
  const wanted = fromStep + share * (toStep - fromStep);
  return reported.reduce<number | null>(
    (best, step) =>
      best === null || Math.abs(step - wanted) < Math.abs(best - wanted) ? step : best,
    null,
  );
}
