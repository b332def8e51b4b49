/** What would have helped, or still does: every known remedy judged at the spike. */
import type { Postmortem } from '../contract/postmortem';
import { formatStep } from '../view/format-number';
import type { Attempt } from '../contract/runs';
import type { Mitigation } from '../view/mitigation';
import {
  clipUpdates,
  lengthenWarmUp,
  lowerBeta1,
  lowerBeta2,
  lowerEpsilon,
  lowerLearningRate,
  resetState,
  shrinkBatch,
} from '../view/mitigations-of-optimizer';
import { findSavedBySkipping } from './attempt-sentences';
import { findBatchIds, isInPast } from './changes';
import { conditionAtSpike } from './condition';
import { riseOf, type PostmortemFacts } from './facts';
import { stagesAt } from './stage-sentences';
import { inSteps, plural } from './words';

/** Rewinding less far has let spikes come again. */
export const REWIND_STEPS = 100;
const STANDINGS = ['offered', 'unknown', 'not_now'] as const;

type Rewind = NonNullable<Postmortem['rewind']>;
type Skip = NonNullable<Postmortem['skip']>;
/** What the way to a spike is told by. */
export type RewindFacts = Pick<PostmortemFacts, 'spike' | 'stages' | 'events'> & {
  readonly attempts: readonly Pick<Attempt, 'attempt' | 'resumeFromStep'>[];
};

/** What is offered first, then what cannot be told, then what does not fit. */
export function findRemedies(facts: PostmortemFacts): Mitigation[] {
  const condition = conditionAtSpike(facts);
  const all = [
    waitItOut(facts),
    rewindRemedy(facts),
    skipRemedy(facts),
    ...[
      clipUpdates,
      lowerBeta2,
      lowerLearningRate,
      lengthenWarmUp,
      lowerEpsilon,
      resetState,
      shrinkBatch,
      lowerBeta1,
    ].map((remedy) => remedy(condition)),
  ];
  return STANDINGS.flatMap((standing) => all.filter((remedy) => remedy.standing === standing));
}

function waitItOut({ spike }: PostmortemFacts): Mitigation {
  const base = {
    key: 'wait',
    title: 'Wait',
    caveat: 'A fast spike is over within 50 steps; one of BLOOM’s took about 30.',
  };
  const { recovery, recoveredStep, onsetStep, kind } = spike;
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
  if (recovery === 'open') {
    const reason = 'it is open, and may yet be a fast one';
    return { ...base, standing: 'unknown', reason };
  }
  const reason = took === null ? 'it did not recover' : `it took ${took}`;
  return { ...base, standing: 'not_now', reason };
}

/** Whether the spike cost enough that going back is worth it. */
function isCostly({ recovery, kind }: PostmortemFacts['spike']): boolean {
  return kind === 'divergence' || (recovery !== 'fast' && recovery !== 'open');
}

function rewindRemedy(facts: PostmortemFacts): Mitigation {
  const base = {
    key: 'rewind',
    title: 'Rewind to a checkpoint',
    caveat:
      'Works mainly early in training; replayed batches did not spike again. One published run once had to go back farther.',
  };
  const { spike } = facts;
  if (!isCostly(spike) || spike.kind === 'outlier_batch' || spike.kind === 'rms_spike') {
    const reason =
      spike.kind === 'loss_spike' && spike.recovery === 'open'
        ? 'it is open; worth it from 50 steps on'
        : 'it passed by itself';
    return { ...base, standing: 'not_now', reason };
  }
  const { checkpoint, firstSignStep } = findRewind(facts);
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
  if (kind === 'rms_spike' || !isCostly(facts.spike)) {
    return { ...base, standing: 'not_now', reason: 'it passed without' };
  }
  const { fromStep, toStep } = rangeToSkip(facts);
  const reason = `steps ${formatStep(fromStep)} to ${formatStep(toStep)}, on the way back from a rewind`;
  return { ...base, standing: 'offered', reason };
}

/** The first step on which something that led to the spike was under way. */
export function findFirstSign({
  spike,
  stages,
}: Pick<PostmortemFacts, 'spike' | 'stages'>): number {
  const rise = riseOf(spike);
  const movers = [...spike.firstMovers, ...spike.globalMovers]
    .filter(({ leadSteps }) => leadSteps >= 1)
    .map(({ step }) => step);
  const armed = stagesAt(stages, rise - 1)
    .filter(({ stage }) => stage === 'armed' || stage === 'trigger')
    .map(({ fromStep }) => fromStep);
  return Math.min(rise, ...movers, ...armed);
}

/** The last checkpoint before the first sign, on the way that led to the spike. */
export function findRewind(facts: RewindFacts): Rewind {
  const firstSignStep = findFirstSign(facts);
  const found = facts.events
    .filter((event) => event.kind === 'checkpoint' && event.step < firstSignStep)
    .filter((event) => isInPast(facts, event))
    .toSorted((a, b) => a.step - b.step || a.attempt - b.attempt)
    .at(-1);
  if (found === undefined) {
    return {
      firstSignStep,
      checkpoint: null,
      text: `No checkpoint before ${formatStep(firstSignStep)}, the first sign, was posted. Post checkpoints as events, and the one to go back to is named here.`,
    };
  }
  const { attempt, step, title } = found;
  const held = stagesAt(facts.stages, step).filter(({ stage }) =>
    ['gradients_vanish', 'update_collapsed', 'correlating'].includes(stage),
  ).length;
  const already =
    held === 0
      ? ''
      : ` ${plural(held, 'layer')} had small or collapsed updates there already: going back alone does not undo that.`;
  return {
    firstSignStep,
    checkpoint: { attempt, step, title },
    text: `Checkpoint ${formatStep(step)} of attempt ${attempt} is the last before the first sign at ${formatStep(firstSignStep)}.${already}`,
  };
}

function rangeToSkip(facts: PostmortemFacts): { fromStep: number; toStep: number } {
  const { spike } = facts;
  if (spike.kind === 'outlier_batch') {
    return { fromStep: spike.onsetStep, toStep: spike.onsetStep };
  }
  const peak = spike.peakStep ?? spike.onsetStep;
  return { fromStep: findFirstSign(facts), toStep: Math.max(peak, spike.recoveredStep ?? peak) };
}

/** The batches of the first sign to the recovery; null where skipping them makes no sense. */
export function findSkip(facts: PostmortemFacts): Skip | null {
  const { spike, columns } = facts;
  const batch = findBatchIds(facts);
  if (spike.kind === 'rms_spike' || batch?.isFixed === true) return null;
  const { fromStep, toStep } = rangeToSkip(facts);
  const ids =
    batch === null
      ? []
      : columns.steps.flatMap((step, at) => {
          const id = batch.ids[at] ?? NaN;
          return step >= fromStep && step <= toStep && Number.isFinite(id) ? [id] : [];
        });
  const batchIds = [...new Set(ids)];
  const range =
    fromStep === toStep
      ? `the batch of step ${formatStep(fromStep)}`
      : `the batches of steps ${formatStep(fromStep)} to ${formatStep(toStep)}`;
  const named =
    batch === null || batchIds.length === 0
      ? '; the run does not say which they were (post a scalar such as batch_id)'
      : `, ${batch.name} ${describeIds(batchIds)}`;
  return { fromStep, toStep, batchIds, text: `Where batches are skipped: ${range}${named}.` };
}

function describeIds(ids: readonly number[]): string {
  const first = ids[0];
  const last = ids.at(-1);
  if (first === undefined || last === undefined) return '';
  const isRange = ids.every((id, index) => id === first + index);
  if (ids.length > 2 && isRange) return `${first} to ${last}`;
  return ids.length <= 6
    ? ids.join(', ')
    : `${ids.slice(0, 6).join(', ')} and ${ids.length - 6} more`;
}
