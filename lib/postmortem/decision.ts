/** What somebody who is woken up does now: one or two sentences that name the steps. */
import { FAST_STEPS, REWIND_STEPS } from '../view/outlook/run-condition';
import { formatPercent, formatStep } from '../view/text/format-number';
import type { Mitigation } from '../view/outlook/mitigation';
import { nameBatches } from './batches-to-skip';
import { findPassedAttempt } from './attempt-sentences';
import { lossesAfter, riseOf, spikeBefore, type PostmortemFacts } from './facts';
import { chooseCheckpoint } from './rewind';
import { hasAttemptEnded, standingOfOpen } from './standing';
import { againstLevel, inSteps } from './words';

/** An RMS spike this many steps before a loss spike announces it. */
const ANNOUNCES_WITHIN = 8;
/** Remedies that change how the run goes on, as against what is done about this spike. */
const OF_THIS_SPIKE: readonly string[] = ['wait', 'rewind', 'skip'];
/** A level that the loss settled at above this share of its baseline is worth a word. */
const HIGH_LEVEL = 0.02;

export function writeDecision(facts: PostmortemFacts, remedies: readonly Mitigation[]): string {
  switch (facts.spike.kind) {
    case 'outlier_batch':
      return decideOutlier(facts);
    case 'rms_spike':
      return decideRmsSpike(facts);
    case 'divergence': {
      const before = spikeBefore(facts);
      if (before !== null)
        return `Decide by the postmortem of ${formatStep(before.onsetStep)}: the loss spike that began there ended in this.`;
      return `${capitalise(goBack(facts))}.${against(remedies)}`;
    }
    case 'loss_spike':
      return standingOfOpen(facts)?.isYoung === true
        ? decideLossSpike(facts)
        : `${decideLossSpike(facts)}${against(remedies)}`;
  }
}

function decideLossSpike(facts: PostmortemFacts): string {
  const { recovery, onsetStep } = facts.spike;
  const open = standingOfOpen(facts);
  if (open !== null) {
    if (open.hasEnded) {
      const passed = findPassedAttempt(facts);
      if (passed !== null) {
        return `Nothing to do: attempt ${passed.attempt}, restarted from ${formatStep(passed.resumeFromStep)}, passed these steps without a spike.`;
      }
      return `The loss was still up when the attempt ended at ${formatStep(open.lastStep)}. To train on, ${goBack(facts)}.`;
    }
    return open.isYoung
      ? `Wait until step ${formatStep(onsetStep + FAST_STEPS)}: a fast spike is over within ${FAST_STEPS} steps. If the loss is still up then, ${goBack(facts)}.`
      : `The loss has been up for ${inSteps(open.stepsSince)}: ${goBack(facts)}.`;
  }
  switch (recovery) {
    case 'fast':
      return `Nothing to go back for: it was over by itself${passedAfter(facts)}${stillAbove(facts)}.`;
    case 'slow':
      return `It is over by itself${passedAfter(facts)}; going back would train those steps again.`;
    case 'partial':
      return `The loss settled ${levelOf(facts)}. Where that is too high, ${goBack(facts)}.`;
    case 'unrecovered':
    case 'diverged':
    case 'open':
      return `${capitalise(goBack(facts))}.`;
  }
}

function decideOutlier(facts: PostmortemFacts): string {
  const batches = nameBatches(facts);
  const leave = batches === null ? '' : ` If these steps are trained again, leave out ${batches}.`;
  return `Nothing to go back for: one bad batch, and the loss did not stay up.${leave}`;
}

function decideRmsSpike({ spike, spikes }: PostmortemFacts): string {
  const next = spikes.find(
    (known) =>
      known.attempt === spike.attempt &&
      (known.kind === 'loss_spike' || known.kind === 'divergence') &&
      riseOf(known) >= spike.onsetStep &&
      riseOf(known) <= spike.onsetStep + ANNOUNCES_WITHIN,
  );
  if (next === undefined) return 'Nothing to go back for: no loss spike came within 8 steps.';
  const steps = riseOf(next) - spike.onsetStep;
  const when = steps === 0 ? 'on the same step' : `${inSteps(steps)} later`;
  const what = next.kind === 'divergence' ? 'diverged' : 'rose';
  return `Decide by the postmortem of ${formatStep(next.onsetStep)}: the loss ${what} ${when}.`;
}

/** " after 20 steps". */
function passedAfter({ spike: { recoveredStep, onsetStep } }: PostmortemFacts): string {
  return recoveredStep === null ? '' : ` after ${inSteps(recoveredStep - onsetStep)}`;
}

/** ", though the last loss, at 320, was still 2.35 times the level before" of an attempt that ended soon after. */
function stillAbove(facts: PostmortemFacts): string {
  const { run, attempts, spike } = facts;
  const hasEnded = hasAttemptEnded({ spike, run, attempts });
  const after = lossesAfter(facts);
  const last = after.at(-1);
  const ownEnd = attempts.find(({ attempt }) => attempt === spike.attempt)?.lastStep;
  if (!hasEnded || last === undefined || last.step !== ownEnd || spike.baseline === null) return '';
  const share = last.loss / spike.baseline - 1;
  return share > HIGH_LEVEL
    ? `, though its last loss, at ${formatStep(last.step)}, was still ${againstLevel(share, 'the level before')}`
    : '';
}

function levelOf({ spike: { levelShift, baseline } }: PostmortemFacts): string {
  const share = levelShift !== null && baseline !== null ? levelShift / baseline : NaN;
  return share > HIGH_LEVEL ? `${formatPercent(share)} above where it was` : 'above where it was';
}

/** "go back to checkpoint 430 of attempt 1 and skip the batches of steps 551 to 553". */
function goBack(facts: PostmortemFacts): string {
  const { checkpoint, firstSignStep } = chooseCheckpoint(facts);
  const batches = nameBatches(facts);
  const leaving = batches === null ? '' : ` and skip ${batches}`;
  if (checkpoint === null) {
    return `go back to a checkpoint before ${formatStep(firstSignStep)}, the first sign (none was posted)${leaving}`;
  }
  const distance = facts.spike.onsetStep - checkpoint.step;
  const near =
    distance < REWIND_STEPS
      ? ` (only ${inSteps(distance)} before onset; ${REWIND_STEPS} or more have helped)`
      : '';
  return `go back to checkpoint ${formatStep(checkpoint.step)} of attempt ${checkpoint.attempt}${near}${leaving}`;
}

/** What fits the run as it goes on. */
function against(remedies: readonly Mitigation[]): string {
  const titles = remedies
    .filter(({ standing, key }) => standing === 'offered' && !OF_THIS_SPIKE.includes(key))
    .map(({ title }) => title.charAt(0).toLowerCase() + title.slice(1));
  return titles.length === 0 ? '' : ` Against the next one: ${titles.join('; ')}.`;
}

const capitalise = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
