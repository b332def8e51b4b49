/** Remedies for a loss that has left its course: wait, or go back. */
import type { Spike } from '../../contract/reads';
import { formatStep } from '../text/format-number';
import type { Mitigation } from './mitigation';
import {
  countText,
  FAST_STEPS,
  lossSpikes,
  openLossSpike,
  RECENT_STEPS,
  REWIND_STEPS,
  type RunCondition,
} from './run-condition';

/** An outlier batch this far back has done what it could. */
const OUTLIER_STEPS = 10;

/** What waiting is called, and what speaks against it, whenever it is judged. */
export const WAITING = {
  key: 'wait',
  title: 'Wait',
  caveat: `A fast spike is over within ${FAST_STEPS} steps; one of BLOOM’s took about 30.`,
} as const;

export function waitItOut(condition: RunCondition): Mitigation {
  const base = WAITING;
  const { newestStep, isLossNonFinite } = condition;
  if (isLossNonFinite) {
    return { ...base, standing: 'not_now', reason: 'the loss is not finite' };
  }
  const open = openLossSpike(condition);
  if (open !== null) {
    const age = newestStep - open.onsetStep;
    if (age > FAST_STEPS) {
      const reason = `the spike is open for ${countText(age, 'step')}, longer than a fast one`;
      return { ...base, standing: 'not_now', reason };
    }
    const last = lossSpikes(condition).findLast(({ recovery }) => recovery === 'fast');
    const before =
      last?.recoveredStep == null
        ? 'no spike of this run was slow'
        : `the last spike was fast, ${countText(last.recoveredStep - last.onsetStep, 'step')}`;
    const slow = lossSpikes(condition).some(
      ({ recovery }) => recovery === 'slow' || recovery === 'unrecovered',
    );
    const reason =
      slow && last === undefined
        ? `open for ${countText(age, 'step')}; earlier spikes of this run were slow`
        : `open for ${countText(age, 'step')}; ${before}`;
    return { ...base, standing: 'offered', reason };
  }
  const outlier = condition.spikes.findLast(({ kind }) => kind === 'outlier_batch');
  if (outlier !== undefined && newestStep - outlier.onsetStep <= OUTLIER_STEPS) {
    const reason = `step ${formatStep(outlier.onsetStep)} was one bad batch`;
    return { ...base, standing: 'offered', reason };
  }
  return { ...base, standing: 'not_now', reason: 'no loss spike is open' };
}

export function checkpointRewind(condition: RunCondition): Mitigation {
  const base = {
    key: 'rewind',
    title: 'Rewind and skip batches',
    caveat:
      'Go back about 100 steps and skip 200 to 500 batches. Works mainly early in training; one published run once had to go back farther.',
  };
  const spike = spikeToUndo(condition);
  const open = openLossSpike(condition);
  const subject = spike ?? open;
  if (subject === null) {
    const reason = 'no spike is slow, unrecovered or diverged';
    return { ...base, standing: 'not_now', reason };
  }
  const checkpoints = condition.events
    .filter(({ kind, step }) => kind === 'checkpoint' && step < subject.onsetStep)
    .map(({ step }) => step);
  const farEnough = checkpoints.filter((step) => subject.onsetStep - step >= REWIND_STEPS);
  const chosen = farEnough.length === 0 ? null : Math.max(...farEnough);
  const ready =
    chosen === null
      ? null
      : `checkpoint ${formatStep(chosen)} is ${countText(subject.onsetStep - chosen, 'step')} before onset`;
  if (spike === null) {
    const age = condition.newestStep - subject.onsetStep;
    const reason = `open for ${countText(age, 'step')}, worth it from ${FAST_STEPS} on${ready === null ? '' : `; ${ready}`}`;
    return { ...base, standing: 'not_now', reason };
  }
  if (ready !== null) return { ...base, standing: 'offered', reason: ready };
  if (checkpoints.length === 0) {
    const reason = `needs a checkpoint ${REWIND_STEPS} steps before ${formatStep(spike.onsetStep)}; no checkpoint before it was posted`;
    return { ...base, standing: 'unknown', reason };
  }
  const nearest = Math.max(...checkpoints);
  const reason = `checkpoint ${formatStep(nearest)} is only ${countText(spike.onsetStep - nearest, 'step')} before onset, ${REWIND_STEPS} are needed`;
  return { ...base, standing: 'not_now', reason };
}

/** The newest spike that did not go away by itself soon, as far as it is still news. */
function spikeToUndo(condition: RunCondition): Spike | null {
  const { spikes, newestStep } = condition;
  const isLost = (spike: Spike): boolean => {
    if (spike.kind === 'divergence') return condition.isLossNonFinite;
    if (spike.kind !== 'loss_spike') return false;
    if (spike.recovery === 'open') return newestStep - spike.onsetStep > FAST_STEPS;
    if (spike.recovery === 'slow') {
      return newestStep - (spike.recoveredStep ?? spike.onsetStep) <= RECENT_STEPS;
    }
    return spike.recovery === 'unrecovered' || spike.recovery === 'diverged';
  };
  return spikes.findLast(isLost) ?? null;
}
