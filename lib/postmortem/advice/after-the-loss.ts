/** What is left to do once the loss has gone: stop, or go back; and what to leave out on the way again. */
import type { Spike } from '../../contract/reads';
import { formatNumber, formatStep } from '../../view/text/format-number';
import { FAST_STEPS, REWIND_STEPS } from '../../view/outlook/run-condition';
import { bestDates } from '../facts';
import { findFirstSign, findRewind } from '../rewind';
import { inSteps } from '../words';
import type { AdviceDraft } from './advice-facts';
import { endOf, type Situation } from './situation';

/** A loss that has been gone for longer is a new level: nobody goes back so far for it. */
const LONGEST_REWIND_STEPS = 2000;
/** Steps after a loss spike began in which leaving out batches tells whether they were at fault. */
const PROBE_WITHIN_STEPS = 10;
/** Batches that are left out for it. */
const PROBE_STEPS = 5;

const REWIND_CAVEAT =
  'Has worked mainly early in training. What led to the loss is still there: replayed with other batches, published spikes did not come again, but one run had to go back farther.';

/** Nothing else is worth advising while the loss is not finite. */
export function adviseNonFinite({ facts, condition, open }: Situation): AdviceDraft | null {
  if (!condition.isLossNonFinite) return null;
  const sinceStep = open?.onsetStep ?? facts.step;
  const spike = open ?? null;
  const gone = `the loss is not finite since step ${formatStep(sinceStep)}`;
  const rewind = spike === null ? null : planRewind(facts, spike);
  if (spike === null || rewind?.checkpoint == null) {
    const sign = rewind?.firstSignStep ?? sinceStep;
    return {
      ...{ key: spike?.id ?? `${sinceStep}`, action: 'stop', severity: 'page', sinceStep },
      reason: `${gone}, and no checkpoint before ${formatStep(sign)} was posted`,
      caveat: 'Weights that are not finite stay so: every further step is lost.',
      spikeId: spike?.id ?? null,
    };
  }
  return {
    ...{ key: spike.id, action: 'rewind', severity: 'page', sinceStep, spikeId: spike.id },
    reason: `${gone}; checkpoint ${formatStep(rewind.checkpoint.step)} is the last before the first sign at ${formatStep(rewind.firstSignStep)}`,
    caveat: REWIND_CAVEAT,
    checkpointStep: rewind.checkpoint.step,
    skipSteps: stepsToSkip(facts, spike),
  };
}

/** A loss spike that did not go away by itself, as far as a checkpoint lies far enough before it. */
export function adviseRewind({ facts, condition }: Situation): AdviceDraft | null {
  const spike = condition.spikes.findLast(
    ({ kind, recovery, onsetStep }) =>
      kind === 'loss_spike' &&
      facts.step - onsetStep <= LONGEST_REWIND_STEPS &&
      (recovery === 'unrecovered' || (recovery === 'open' && facts.step - onsetStep > FAST_STEPS)),
  );
  if (spike === undefined) return null;
  const { checkpoint, firstSignStep } = planRewind(facts, spike, spike.onsetStep - REWIND_STEPS);
  if (checkpoint === null) return null;
  const { baseline, peakValue, onsetStep } = spike;
  const height =
    baseline === null || peakValue === null
      ? ''
      : `, up from ${formatNumber(baseline)} to ${formatNumber(peakValue)}`;
  return {
    ...{ key: spike.id, action: 'rewind', severity: 'page', spikeId: spike.id },
    sinceStep: onsetStep,
    reason: `the loss has not come back for ${inSteps(facts.step - onsetStep)}${height}; checkpoint ${formatStep(checkpoint.step)} lies ${inSteps(onsetStep - checkpoint.step)} before onset and before the first sign at ${formatStep(firstSignStep)}`,
    caveat: REWIND_CAVEAT,
    checkpointStep: checkpoint.step,
    skipSteps: stepsToSkip(facts, spike),
  };
}

/** A loss that rose with nothing before it may be the data's: leaving out batches tells. */
export function adviseProbe({ facts, open }: Situation): AdviceDraft | null {
  if (open === null || open.kind !== 'loss_spike' || open.verdict !== 'no_precursor') return null;
  if (facts.step - open.onsetStep > PROBE_WITHIN_STEPS) return null;
  const fromStep = facts.step + 1;
  return {
    ...{ key: open.id, action: 'skip_batch', severity: 'warn', spikeId: open.id },
    sinceStep: open.onsetStep,
    reason: `the loss rose at ${formatStep(open.onsetStep)} and nothing that is measured had moved before it, which bad batches do`,
    caveat: `A loss that stays up over ${PROBE_STEPS} batches without an update is the weights’ and not the data’s: then go on.`,
    skipSteps: { fromStep, toStep: fromStep + PROBE_STEPS - 1 },
  };
}

/** After a restart from before a spike: the batches that it came with, while they are still ahead. */
export function adviseKnownBatches({ facts, ahead }: Situation): AdviceDraft[] {
  return ahead
    .filter(({ kind }) => kind !== 'rms_spike')
    .map((spike): AdviceDraft => {
      const range = stepsToSkip(facts, spike);
      const what = spike.kind === 'outlier_batch' ? 'one bad batch' : 'the loss spiked';
      return {
        ...{ key: spike.id, action: 'skip_batch', severity: 'warn', spikeId: spike.id },
        sinceStep: facts.attempts.at(-1)?.resumeFromStep ?? 0,
        reason: `in attempt ${spike.attempt} ${what} at ${formatStep(spike.onsetStep)}, which this attempt has yet to pass`,
        caveat:
          'Steps stand for batches only where this attempt reads the same data in the same order. PaLM skipped 200 to 500 batches.',
        skipSteps: { ...range, fromStep: Math.max(range.fromStep, facts.step + 1) },
      };
    });
}

/** To a checkpoint before the first sign, at `lastStep` at the latest. */
function planRewind(facts: Situation['facts'], spike: Spike, lastStep = Infinity) {
  const { attempts } = facts;
  const events = facts.events.filter(({ step }) => step <= lastStep);
  return findRewind({ spike: bestDates(spike), stages: stagesOf(facts, spike), events, attempts });
}

function stagesOf({ stages }: Situation['facts'], { attempt }: Spike) {
  return stages.filter((interval) => interval.attempt === attempt);
}

function stepsToSkip(facts: Situation['facts'], spike: Spike) {
  const best = bestDates(spike);
  const { onsetStep } = best;
  if (best.kind === 'outlier_batch') return { fromStep: onsetStep, toStep: onsetStep };
  const fromStep = findFirstSign({ spike: best, stages: stagesOf(facts, spike) });
  return { fromStep, toStep: Math.max(fromStep, endOf(best)) };
}
