/**
 * On how many of the steps that first movers are looked for in layers were reported: what
 * moved between two reports, nobody saw.
 */
import { LEAD_STEPS, type StepColumns } from './facts';

/** What a job reports of its layers. */
const WATCHED = ['gradient_rms', 'gradient_norm', 'rms'] as const;

/** Up to 10; null for a run that reports no layers. */
export function countWatchedSteps(columns: StepColumns, rise: number): number | null {
  const layers = WATCHED.flatMap((metric) => columns.layers.get(metric) ?? []);
  if (!layers.some((column) => column.some(Number.isFinite))) return null;
  return columns.steps.filter(
    (step, at) =>
      step >= rise - LEAD_STEPS &&
      step < rise &&
      WATCHED.some((metric) => columns.layers.get(metric)?.[at]?.some(Number.isFinite) === true),
  ).length;
}

export function hasGaps(watchedSteps: number | null): watchedSteps is number {
  return watchedSteps !== null && watchedSteps < LEAD_STEPS;
}

/** "layers were reported on 2 of the 10 steps before". */
export function describeWatch(watchedSteps: number): string {
  return watchedSteps === 0
    ? `no layer was reported on the ${LEAD_STEPS} steps before`
    : `layers were reported on ${watchedSteps} of the ${LEAD_STEPS} steps before`;
}
