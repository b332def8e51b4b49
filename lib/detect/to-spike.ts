import type { Spike } from '../contract/reads';
import { type LossEvent, classifyRecovery } from './loss-event';
import type { Precursor } from './precursor';
import type { LossReport, RmsReport } from './run-detector';

/** Of attempt, kind and the step on which it opened: every later word on the event overwrites the first. */
export function spikeIdOfLoss(
  { kind, openedStep }: Pick<LossEvent, 'kind' | 'openedStep'>,
  attempt: number,
): string {
  return `${attempt}-${kind}-${openedStep}`;
}

/** A loss event as the contract's spike of `attempt`. */
export function spikeOfLoss(
  { event, precursor, reevaluation }: LossReport,
  attempt: number,
): Spike {
  const isMeasured = event.kind !== 'divergence' && event.baseline !== null;
  return {
    id: spikeIdOfLoss(event, attempt),
    attempt,
    kind: event.kind,
    onsetStep: event.onsetStep,
    confirmedStep: event.confirmedStep,
    riseStep: event.riseStep,
    peakStep: event.peakStep,
    peakValue: event.peakValue,
    baseline: event.baseline,
    recoveredStep: event.recoveredStep,
    recovery: event.recovery,
    excessArea: isMeasured && event.recovery !== 'open' ? event.excessArea : null,
    levelShift: event.levelShift,
    firstMovers: [...precursor.firstMovers],
    moverCount: precursor.firstMovers.length,
    ...toOdds(precursor),
    reevaluation,
  };
}

/**
 * An RMS spike of any layers as the contract's spike. Its `firstMovers` are layers whose
 * gradient moved before it, with their lead, then those whose RMS spiked; `verdict` is of
 * the former.
 */
export function spikeOfRms({ event, precursor }: RmsReport, attempt: number): Spike {
  const { onsetStep, peakStep, peakValue, baseline, recoveredStep, layers, layerCount } = event;
  return {
    id: `${attempt}-rms_spike-${onsetStep}`,
    attempt,
    kind: 'rms_spike',
    onsetStep,
    confirmedStep: onsetStep,
    riseStep: onsetStep,
    peakStep,
    peakValue: Number.isFinite(peakValue) ? peakValue : null,
    baseline,
    recoveredStep,
    recovery: recoveredStep === null ? 'open' : classifyRecovery(onsetStep, recoveredStep),
    // Of the loss alone.
    excessArea: null,
    levelShift: null,
    firstMovers: [...precursor.firstMovers, ...layers],
    moverCount: layerCount,
    ...toOdds(precursor),
    reevaluation: null,
  };
}

function toOdds({
  gradientNorm,
  verdict,
  chance,
  quietSteps,
}: Precursor): Pick<Spike, 'globalMovers' | 'verdict' | 'precursorChance' | 'chanceSteps'> {
  return {
    globalMovers: gradientNorm === null ? [] : [{ metric: 'gradient_norm', ...gradientNorm }],
    verdict,
    precursorChance: chance,
    chanceSteps: quietSteps,
  };
}
