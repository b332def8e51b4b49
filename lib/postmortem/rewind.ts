/** The checkpoint to go back to: before the first sign, and far enough before the spike. */
import type { Postmortem } from '../contract/postmortem';
import type { Attempt } from '../contract/runs';
import { REWIND_STEPS } from '../view/outlook/run-condition';
import { formatStep } from '../view/text/format-number';
import { isInPast } from './changes';
import { riseOf, type PostmortemFacts } from './facts';
import { stagesAt } from './stage-sentences';
import { inSteps, plural } from './words';

type Rewind = NonNullable<Postmortem['rewind']>;
/** What the way to a spike is told by. */
export type RewindFacts = Pick<PostmortemFacts, 'spike' | 'stages' | 'events'> & {
  readonly attempts: readonly Pick<Attempt, 'attempt' | 'resumeFromStep'>[];
};

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

/** The last checkpoint before the first sign that lies far enough before the spike; else the last before the first sign. */
export function chooseCheckpoint(facts: RewindFacts): Pick<Rewind, 'checkpoint' | 'firstSignStep'> {
  const latest = facts.spike.onsetStep - REWIND_STEPS;
  const far = findRewind({ ...facts, events: facts.events.filter(({ step }) => step <= latest) });
  return far.checkpoint === null ? findRewind(facts) : far;
}

/** The last checkpoint before the first sign, and the one to take where that is too near. */
export function describeRewind(facts: RewindFacts): Rewind {
  const last = findRewind(facts);
  const { checkpoint } = chooseCheckpoint(facts);
  if (checkpoint === null || last.checkpoint === null || checkpoint.step === last.checkpoint.step) {
    return last;
  }
  const before = ({ step }: { readonly step: number }): string =>
    inSteps(facts.spike.onsetStep - step);
  return {
    ...last,
    text: `${last.text} It lies only ${before(last.checkpoint)} before onset; checkpoint ${formatStep(checkpoint.step)}, ${before(checkpoint)} before, is far enough.`,
  };
}
