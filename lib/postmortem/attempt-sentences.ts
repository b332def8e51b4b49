/** How other attempts passed the same steps. */
import type { AttemptCourse, Evidence, Sentence } from '../contract/postmortem';
import type { Spike } from '../contract/reads';
import type { RunEvent } from '../contract/runs';
import { formatNumber, formatStep } from '../view/text/format-number';
import { columnAt, finiteOrNull, riseOf, type OtherAttempt, type PostmortemFacts } from './facts';

/** The spike's own attempt, then the others, over the steps that the timeline shows. */
export function courseOfAttempts(
  facts: PostmortemFacts,
  { fromStep, toStep }: { readonly fromStep: number; readonly toStep: number },
): AttemptCourse[] {
  const { columns, spike, others, attempts, events } = facts;
  const course = (
    attempt: number,
    steps: readonly number[],
    loss: Float64Array,
    norm: Float64Array,
  ): AttemptCourse => {
    const inside = steps.flatMap((step, at) => (step >= fromStep && step <= toStep ? [at] : []));
    const start = attempts.find((known) => known.attempt === attempt)?.resumeFromStep ?? 0;
    return {
      attempt,
      resumeFromStep: start,
      skippedBatches: events
        .filter(
          (event) =>
            event.attempt === attempt && event.kind === 'batch_skip' && event.step <= toStep,
        )
        .map(({ step, title }) => ({ step, title })),
      steps: inside.map((at) => steps[at] ?? 0),
      loss: inside.map((at) => finiteOrNull(loss[at] ?? NaN)),
      gradientNorm: inside.map((at) => finiteOrNull(norm[at] ?? NaN)),
    };
  };
  const nothing = new Float64Array();
  return [
    course(
      spike.attempt,
      columns.steps,
      columns.scalars.get('loss') ?? nothing,
      columns.scalars.get('gradient_norm') ?? nothing,
    ),
    ...others.map(({ attempt, steps, loss, gradientNorm }) =>
      course(attempt, steps, loss, gradientNorm),
    ),
  ].filter(({ steps }) => steps.length > 0);
}

/** One sentence for each attempt that passed the onset too. */
export function describeAttempts(facts: PostmortemFacts): Sentence[] {
  return facts.others.flatMap((other) => {
    const sentence = describeAttempt(facts, other);
    return sentence === null ? [] : [sentence];
  });
}

const TROUBLE: readonly Spike['kind'][] = ['loss_spike', 'divergence'];

/** Where an attempt passed the steps from the rise to the end; null where it did not pass them. */
interface Passage {
  readonly resumeFromStep: number;
  readonly fromColumn: number;
  readonly toColumn: number;
  /** Batches that it had skipped by then. */
  readonly skipped: readonly RunEvent[];
  /** What it had of its own on these steps: trouble, or the same as the spike. */
  readonly again: Spike | null;
}

function findPassage(facts: PostmortemFacts, other: OtherAttempt): Passage | null {
  const { spike, spikes, attempts, events } = facts;
  const end = spike.recoveredStep ?? spike.peakStep ?? spike.onsetStep;
  const rise = riseOf(spike);
  const fromColumn = columnAt(other, rise - 1) + 1;
  const toColumn = columnAt(other, end);
  // An attempt that ended before or began after says nothing of these steps.
  if (toColumn < fromColumn || (other.steps.at(-1) ?? -1) < spike.onsetStep) return null;
  const resumeFromStep =
    attempts.find(({ attempt }) => attempt === other.attempt)?.resumeFromStep ?? 0;
  if (resumeFromStep > rise) return null;
  const again = spikes.find(
    (candidate) =>
      candidate.attempt === other.attempt &&
      (TROUBLE.includes(candidate.kind) || candidate.kind === spike.kind) &&
      candidate.onsetStep <= end &&
      (candidate.recoveredStep ?? Infinity) >= rise,
  );
  return {
    ...{ resumeFromStep, fromColumn, toColumn, again: again ?? null },
    skipped: events.filter(
      (event) =>
        event.attempt === other.attempt && event.kind === 'batch_skip' && event.step <= end,
    ),
  };
}

/** The newest later attempt that passed the spike's steps without one of its own. */
export function findPassedAttempt(
  facts: PostmortemFacts,
): { readonly attempt: number; readonly resumeFromStep: number } | null {
  for (const other of facts.others.toSorted((a, b) => b.attempt - a.attempt)) {
    if (other.attempt <= facts.spike.attempt) continue;
    const passage = findPassage(facts, other);
    if (passage === null) continue;
    const { again, resumeFromStep } = passage;
    // A later attempt that spiked too counts more than an earlier one that did not.
    return again === null ? { attempt: other.attempt, resumeFromStep } : null;
  }
  return null;
}

/** The first attempt that skipped batches and then passed these steps without a spike. */
export function findSavedBySkipping(
  facts: PostmortemFacts,
): { readonly attempt: number; readonly titles: readonly string[] } | null {
  for (const other of facts.others) {
    const passage = findPassage(facts, other);
    if (passage === null || passage.again !== null || passage.skipped.length === 0) continue;
    return { attempt: other.attempt, titles: passage.skipped.map(({ title }) => title) };
  }
  return null;
}

function describeAttempt(facts: PostmortemFacts, other: OtherAttempt): Sentence | null {
  const passage = findPassage(facts, other);
  if (passage === null) return null;
  const { resumeFromStep, fromColumn, toColumn, skipped, again } = passage;
  let highest = -1;
  for (let at = fromColumn; at <= toColumn; at++) {
    if ((other.loss[at] ?? NaN) > (other.loss[highest] ?? -Infinity)) highest = at;
  }
  const step = other.steps[highest];
  const value = other.loss[highest];
  const evidence: Evidence[] =
    step === undefined || value === undefined
      ? []
      : [{ metric: 'loss', layer: null, attempt: other.attempt, step, value }];
  const which =
    skipped.length === 0
      ? ''
      : ` with skipped batches (${skipped.map(({ title }) => title).join('; ')})`;
  const from1 =
    other.attempt === 1 ? '' : `, restarted from ${formatStep(resumeFromStep)}${which},`;
  if (again !== null) {
    return {
      kind: 'attempts',
      text: `Attempt ${other.attempt}${from1} spiked on these steps too, at ${formatStep(again.onsetStep)}${again.peakValue === null ? '' : `, up to ${formatNumber(again.peakValue)}`}.`,
      evidence,
    };
  }
  if (evidence.length === 0) return null;
  return {
    kind: 'attempts',
    text: `Attempt ${other.attempt}${from1} passed these steps without a spike: its loss was at most ${formatNumber(value ?? null)}, at ${formatStep(step ?? null)}.`,
    evidence,
  };
}
