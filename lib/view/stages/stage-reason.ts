/** Why a layer stands in a stage: the rule that let it in, and the numbers that the rule saw. */
import type { ExplainedStage } from '../../contract/reads';
import { formatStep } from '../text/format-number';
import { stageLabel } from './stage-label';
import { conditionsOfLabel, ruleOf, type StageCondition } from './stage-rules';

export interface StageReason {
  readonly stage: string;
  readonly letter: string | null;
  readonly word: string;
  /** The step that the layer entered the stage on. */
  readonly sinceStep: number;
  /** Why, in words. */
  readonly sentence: string;
  readonly conditions: readonly StageCondition[];
  /** What is said beside the stage; null without a label. */
  readonly beside: {
    readonly sentence: string;
    readonly conditions: readonly StageCondition[];
  } | null;
}

/** The interval that holds `step`; of several attempts the newest. */
export function stageAt(intervals: readonly ExplainedStage[], step: number): ExplainedStage | null {
  return intervals.reduce<ExplainedStage | null>(
    (found, interval) =>
      interval.fromStep <= step &&
      (interval.toStep === null || interval.toStep >= step) &&
      (found === null || interval.attempt >= found.attempt)
        ? interval
        : found,
    null,
  );
}

/**
 * Why the layer stands where it stands at `step`. `intervals`: its own, those before `step`
 * included as far as they are known.
 *
 * Empty  null where no interval holds the step
 */
export function explainStage(
  intervals: readonly ExplainedStage[],
  step: number,
): StageReason | null {
  const current = stageAt(intervals, step);
  if (current === null) return null;
  const earlier = intervals
    .filter(({ attempt, fromStep }) => attempt === current.attempt && fromStep < current.fromStep)
    .sort((a, b) => b.fromStep - a.fromStep);
  // A new label begins an interval too: the stage began with the first of the same name.
  let entry = current;
  let previous: ExplainedStage | null = null;
  for (const interval of earlier) {
    if (interval.stage !== current.stage) {
      previous = interval;
      break;
    }
    entry = interval;
  }
  const { letter, word } = stageLabel(current.stage);
  // What is not known changes while a layer has no stage; any other stage is what let it in.
  const { evidence } = current.stage === 'insufficient_data' ? current : entry;
  const rule =
    evidence === null || evidence === undefined
      ? null
      : ruleOf(current.stage, previous?.stage ?? null, evidence);
  return {
    stage: current.stage,
    letter,
    word,
    sinceStep: entry.fromStep,
    sentence: `${capitalise(word)} since ${formatStep(entry.fromStep)}${rule === null ? '. The numbers that decided it were not kept.' : `: ${rule.because}.`}`,
    conditions: rule?.conditions ?? [],
    beside: besideOf(current),
  };
}

function capitalise(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function besideOf({ label, meaning, evidence, fromStep }: ExplainedStage): StageReason['beside'] {
  if (label === null) return null;
  const name = label.replaceAll('_', ' ');
  return {
    sentence: `Beside it, since ${formatStep(fromStep)}, ${name}${meaning === null ? '' : `: ${meaning}`}.`,
    conditions:
      evidence === null || evidence === undefined ? [] : conditionsOfLabel(label, evidence),
  };
}
