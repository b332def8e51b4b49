import type { Spike } from '../contract/reads';
import type { RmsSpike } from './rms-spikes';
import type { LossReport } from './run-detector';

/**
 * A loss event as the contract's spike of `attempt`. The id follows from attempt, kind and
 * the step on which it opened, so that every later word on the event overwrites the first.
 */
export function spikeOfLoss({ event, precursor }: LossReport, attempt: number): Spike {
  return {
    id: `${attempt}-${event.kind}-${event.openedStep}`,
    attempt,
    kind: event.kind,
    onsetStep: event.onsetStep,
    confirmedStep: event.confirmedStep,
    peakStep: event.peakStep,
    peakValue: event.peakValue,
    baseline: event.baseline,
    recoveredStep: event.recoveredStep,
    recovery: event.recovery,
    firstMovers: [...precursor.firstMovers],
    verdict: precursor.verdict,
  };
}

const FAST_STEPS = 50;

/**
 * An RMS spike of any layers as the contract's spike. Its `firstMovers` are the layers that
 * spiked; it is a precursor itself and has none, which `no_precursor` says.
 */
export function spikeOfRms(event: RmsSpike, attempt: number): Spike {
  const { onsetStep, peakStep, peakValue, baseline, recoveredStep, layers } = event;
  return {
    id: `${attempt}-rms_spike-${onsetStep}`,
    attempt,
    kind: 'rms_spike',
    onsetStep,
    confirmedStep: onsetStep,
    peakStep,
    peakValue,
    baseline,
    recoveredStep,
    recovery: recoveryOfRms(onsetStep, recoveredStep),
    firstMovers: [...layers],
    verdict: 'no_precursor',
  };
}

function recoveryOfRms(onsetStep: number, recoveredStep: number | null): Spike['recovery'] {
  if (recoveredStep === null) return 'open';
  return recoveredStep - onsetStep <= FAST_STEPS ? 'fast' : 'slow';
}
