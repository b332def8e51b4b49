/** What would have helped, or still does: every known remedy judged at the spike. */
import { formatStep } from '../view/text/format-number';
import { orderByStanding, type Mitigation } from '../view/outlook/mitigation';
import { FAST_STEPS, REWIND_STEPS } from '../view/outlook/run-condition';
import { judgeOptimizerRemedies } from '../view/outlook/mitigations';
import { WAITING } from '../view/outlook/mitigations-after-spike';
import { findSavedBySkipping } from './attempt-sentences';
import { rangeToSkip } from './batches-to-skip';
import { findBatchIds } from './changes';
import { conditionAtSpike } from './condition';
import type { PostmortemFacts } from './facts';
import { chooseCheckpoint } from './rewind';
import { standingOfOpen } from './standing';
import { inSteps } from './words';

/** As the run stood at the spike, what is offered first. */
export function findRemedies(facts: PostmortemFacts): Mitigation[] {
  return orderByStanding([
    waitItOut(facts),
    rewindRemedy(facts),
    skipRemedy(facts),
    ...judgeOptimizerRemedies(conditionAtSpike(facts)),
  ]);
}

function waitItOut(facts: PostmortemFacts): Mitigation {
  const base = WAITING;
  const { recovery, recoveredStep, onsetStep, kind } = facts.spike;
  if (kind === 'divergence') {
    return { ...base, standing: 'not_now', reason: 'the loss is not finite' };
  }
  if (kind === 'outlier_batch') {
    return { ...base, standing: 'offered', reason: 'one bad batch that passed by itself' };
  }
  const took = recoveredStep === null ? null : inSteps(recoveredStep - onsetStep);
  if (recovery === 'fast') {
    const reason = `it was over by itself after ${took ?? 'a few steps'}`;
    return { ...base, standing: 'offered', reason };
  }
  const open = standingOfOpen(facts);
  if (open !== null) {
    if (open.isYoung) {
      const reason = `it has been open for ${inSteps(open.stepsSince)}, and may yet be a fast one`;
      return { ...base, standing: 'unknown', reason };
    }
    const reason = open.hasEnded
      ? `its attempt ended ${inSteps(open.stepsSince)} after onset`
      : `it has been open for ${inSteps(open.stepsSince)}`;
    return { ...base, standing: 'not_now', reason };
  }
  const reason = took === null ? 'it did not recover' : `it took ${took}`;
  return { ...base, standing: 'not_now', reason };
}

/** Whether the spike cost enough that going back is worth it. */
function isCostly(facts: PostmortemFacts): boolean {
  const { recovery, kind } = facts.spike;
  if (kind === 'divergence') return true;
  return recovery !== 'fast' && standingOfOpen(facts)?.isYoung !== true;
}

function rewindRemedy(facts: PostmortemFacts): Mitigation {
  const base = {
    key: 'rewind',
    title: 'Rewind to a checkpoint',
    caveat:
      'Works mainly early in training; replayed batches did not spike again. One published run once had to go back farther.',
  };
  const { spike } = facts;
  if (spike.kind === 'rms_spike') {
    return { ...base, standing: 'not_now', reason: 'it is not the loss that rose' };
  }
  if (!isCostly(facts) || spike.kind === 'outlier_batch') {
    const reason =
      spike.recovery === 'open' && spike.kind === 'loss_spike'
        ? `it is open; worth it from ${FAST_STEPS} steps on`
        : 'it passed by itself';
    return { ...base, standing: 'not_now', reason };
  }
  const { checkpoint, firstSignStep } = chooseCheckpoint(facts);
  if (checkpoint === null) {
    const reason = `needs a checkpoint before ${formatStep(firstSignStep)}; none was posted`;
    return { ...base, standing: 'unknown', reason };
  }
  const distance = spike.onsetStep - checkpoint.step;
  const reason = `checkpoint ${formatStep(checkpoint.step)} lies ${inSteps(distance)} before onset`;
  return distance < REWIND_STEPS
    ? {
        ...base,
        standing: 'not_now',
        reason: `${reason}, fewer than the ${REWIND_STEPS} that have helped`,
      }
    : { ...base, standing: 'offered', reason: `${reason}, before the first sign` };
}

function skipRemedy(facts: PostmortemFacts): Mitigation {
  const base = {
    key: 'skip',
    title: 'Skip the batches',
    caveat:
      'PaLM skipped 200 to 500 after going back about 100 steps; the same batches did not spike later.',
  };
  const batch = findBatchIds(facts);
  if (batch?.isFixed === true) {
    return { ...base, standing: 'not_now', reason: 'every step read the same batch' };
  }
  const { kind } = facts.spike;
  const saved = findSavedBySkipping(facts);
  if (kind !== 'rms_spike' && saved !== null) {
    const reason = `attempt ${saved.attempt} skipped some (${saved.titles.join('; ')}) and passed these steps without a spike`;
    return { ...base, standing: 'offered', reason };
  }
  if (kind === 'outlier_batch') {
    const reason = `the batch of step ${formatStep(facts.spike.onsetStep)} alone stands out`;
    return { ...base, standing: 'offered', reason };
  }
  if (kind === 'rms_spike') {
    return { ...base, standing: 'not_now', reason: 'it is not the loss that rose' };
  }
  if (!isCostly(facts)) {
    const reason =
      facts.spike.recovery === 'open'
        ? `it is open; worth it from ${FAST_STEPS} steps on, with a rewind`
        : 'it passed without';
    return { ...base, standing: 'not_now', reason };
  }
  const { fromStep, toStep } = rangeToSkip(facts);
  const reason = `steps ${formatStep(fromStep)} to ${formatStep(toStep)}, on the way back from a rewind`;
  return { ...base, standing: 'offered', reason };
}
