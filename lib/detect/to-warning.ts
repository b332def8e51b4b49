import { STABILITY_RATIO, WARNING_WORDS, type Warning } from '../contract/warnings';
import type { WarningUpdate } from './curvature';

/** A warning as the contract has it; its id follows from attempt, kind and first step. */
export function toWarning({ phase, warning }: WarningUpdate, attempt: number): Warning {
  const { kind, fromStep, lastStep, peakStep, peakValue, learningRate } = warning;
  return {
    id: `${attempt}-${kind}-${fromStep}`,
    attempt,
    kind,
    metric: STABILITY_RATIO,
    fromStep,
    toStep: phase === 'closed' ? lastStep : null,
    peakStep,
    peakValue,
    learningRate,
    ...WARNING_WORDS[kind],
  };
}
