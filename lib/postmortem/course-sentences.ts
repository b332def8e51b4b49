/** What the loss did, and what was left of it. */
import type { Evidence, Sentence } from '../contract/postmortem';
import { formatNumber, formatStep } from '../view/text/format-number';
import { lossesAfter, riseOf, scalarAt, type PostmortemFacts } from './facts';
import { standingOfOpen } from './standing';
import { againstLevel, inSteps, nameList } from './words';

/** A level shift of less is training as usual. */
const LEAST_SHIFT = 0.02;

/** One sentence, always. */
export function describeCourse(facts: PostmortemFacts): Sentence {
  const { spike } = facts;
  switch (spike.kind) {
    case 'loss_spike':
      return describeLossSpike(facts);
    case 'outlier_batch':
      return describeOutlier(facts);
    case 'divergence':
      return describeDivergence(facts);
    case 'rms_spike':
      return describeRmsSpike(facts);
  }
}

function lossEvidence({ spike, columns }: PostmortemFacts): Evidence[] {
  const { attempt, baseline, peakStep, peakValue } = spike;
  const rise = riseOf(spike);
  const at = (step: number, value: number | null): Evidence => ({
    ...{ metric: 'loss', layer: null, attempt, step, value },
  });
  const onset = scalarAt(columns, 'loss', rise);
  return [
    ...(baseline === null
      ? []
      : [{ metric: 'loss_baseline', layer: null, attempt, step: rise, value: baseline }]),
    ...(Number.isFinite(onset) ? [at(rise, onset)] : []),
    ...(peakStep === null ? [] : [at(peakStep, peakValue)]),
  ];
}

function describeLossSpike(facts: PostmortemFacts): Sentence {
  const { spike } = facts;
  const { baseline, peakStep, peakValue, onsetStep, recoveredStep, attempt } = spike;
  const rise =
    peakStep === null || peakValue === null
      ? `The loss left its baseline at ${formatStep(onsetStep)}`
      : `The loss rose from ${formatNumber(baseline)} to ${formatNumber(peakValue)} between ${formatStep(riseOf(spike) - 1)} and ${formatStep(peakStep)}`;
  const evidence = lossEvidence(facts);
  if (recoveredStep === null) {
    return { kind: 'course', text: `${rise} and ${describeNoReturn(facts)}.`, evidence };
  }
  const back = scalarAt(facts.columns, 'loss', recoveredStep);
  return {
    kind: 'course',
    text: `${rise} and was back under its threshold at ${formatStep(recoveredStep)}, ${inSteps(recoveredStep - onsetStep)} after onset.`,
    evidence: [
      ...evidence,
      ...(Number.isFinite(back)
        ? [{ metric: 'loss', layer: null, attempt, step: recoveredStep, value: back }]
        : []),
    ],
  };
}

function describeNoReturn(facts: PostmortemFacts): string {
  const open = standingOfOpen(facts);
  if (open === null) return 'did not come back to where it was';
  return open.hasEnded
    ? `had not come back when the attempt ended at ${formatStep(open.lastStep)}`
    : `has not come back by ${formatStep(open.lastStep)}`;
}

function describeOutlier(facts: PostmortemFacts): Sentence {
  const { onsetStep, peakValue, baseline } = facts.spike;
  return {
    kind: 'course',
    text: `The loss was ${formatNumber(peakValue)} at ${formatStep(onsetStep)} against ${formatNumber(baseline)} before, and did not stay there: one bad batch, no instability.`,
    evidence: lossEvidence(facts),
  };
}

function describeDivergence({ spike, columns }: PostmortemFacts): Sentence {
  const { onsetStep, attempt } = spike;
  const losses = columns.scalars.get('loss') ?? new Float64Array();
  const last = columns.steps.findLastIndex(
    (step, index) => step < onsetStep && Number.isFinite(losses[index] ?? NaN),
  );
  const step = columns.steps[last];
  const value = losses[last] ?? null;
  return {
    kind: 'course',
    text: `The loss was not finite at ${formatStep(onsetStep)}${step === undefined ? '' : `; the last finite one was ${formatNumber(value)} at ${formatStep(step)}`}.`,
    evidence: [
      { metric: 'loss', layer: null, attempt, step: onsetStep, value: null },
      ...(step === undefined ? [] : [{ metric: 'loss', layer: null, attempt, step, value }]),
    ],
  };
}

function describeRmsSpike({ spike, run }: PostmortemFacts): Sentence {
  const { onsetStep, peakStep, peakValue, attempt, firstMovers, recoveredStep } = spike;
  const layers = firstMovers.filter(({ metric }) => metric === 'rms').map(({ layer }) => layer);
  const first = layers[0] ?? null;
  const names = layers.map((layer) => run.layerNames[layer] ?? `layer ${layer}`);
  const rise = `left its baseline at ${formatStep(onsetStep)}`;
  const peak = `rose to ${formatNumber(peakValue)}`;
  const course =
    recoveredStep === null
      ? `${rise} and ${peak}`
      : `${rise}, ${peak} and was back at ${formatStep(recoveredStep)}, ${inSteps(recoveredStep - onsetStep)} later`;
  return {
    kind: 'course',
    text: `RMS of ${names.length === 0 ? 'a layer' : nameList(names)} ${course}.`,
    evidence:
      peakStep === null
        ? []
        : [{ metric: 'rms', layer: first, attempt, step: peakStep, value: peakValue }],
  };
}

/** "In the 100 losses after it the median was 16 % above the level before; the last of them, at 438, was 2 % above it". */
function describeAfter(facts: PostmortemFacts, share: number): string {
  const median = `median was ${againstLevel(share, 'the level before')}`;
  const after = lossesAfter(facts);
  const last = after.at(-1);
  const { baseline } = facts.spike;
  if (last === undefined || baseline === null) return `Afterwards the ${median}`;
  const count = after.length === 1 ? 'one loss' : `${after.length} losses`;
  const lastShare = last.loss / baseline - 1;
  const where = Math.abs(lastShare) < LEAST_SHIFT ? 'back at it' : againstLevel(lastShare, 'it');
  return `In the ${count} after it the ${median}; the last of them, at ${formatStep(last.step)}, was ${where}`;
}

/** What a spike that is over has left behind; null where that is not known or nothing. */
export function describeAftermath(facts: PostmortemFacts): Sentence | null {
  const { spike } = facts;
  const { reevaluation, levelShift, baseline, recoveredStep, attempt } = spike;
  if (reevaluation?.standsOut === false) {
    return {
      kind: 'aftermath',
      text: 'Seen from both sides the loss does not stand out here.',
      evidence: [],
    };
  }
  if (levelShift === null || baseline === null || baseline <= 0) return null;
  const step = recoveredStep ?? spike.onsetStep;
  const evidence = [{ metric: 'loss_level_shift', layer: null, attempt, step, value: levelShift }];
  const share = levelShift / baseline;
  const text =
    Math.abs(share) < LEAST_SHIFT
      ? 'Afterwards the loss was where it had been before.'
      : `${describeAfter(facts, share)}.`;
  return { kind: 'aftermath', text, evidence };
}
