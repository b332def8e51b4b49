/** Where the layers stood in the theory's process before the spike, and how they went through it. */
import type { Evidence, Sentence } from '../contract/postmortem';
import { formatFixed, formatStep } from '../view/text/format-number';
import type { StageInterval } from '../contract/reads';
import { columnAt, lastQuietStep, layerName, riseOf, type PostmortemFacts } from './facts';
import { metricWord, nameList, plural } from './words';

const MOST_EVIDENCE = 16;
/** Dip of r from which it has two peaks. */
const TWO_PEAKS_DIP = 0.03;

/** Of `layers`, in the words of a sentence about the step before anything moved. */
const BEFORE: Readonly<Record<string, (layers: string) => string>> = {
  gradients_vanish: (layers) => `gradients of ${layers} were below ε`,
  update_collapsed: (layers) => `updates of ${layers} had collapsed, √v below ε`,
  correlating: (layers) => `gradients of ${layers} pointed the same way step by step`,
  armed: (layers) => `r of ${layers} had two peaks that ε held down (armed)`,
};
const LABELS_BEFORE: Readonly<Record<string, (layers: string) => string>> = {
  stale_v: (layers) =>
    `v of ${layers} remembered larger gradients, so that u and r were near 0 (stale v, not ε)`,
  oscillating_gradient: (layers) =>
    `gradients of ${layers} flipped their sign from step to step, so that u and r were near 0 (oscillating, not ε)`,
  corrupt_ratio: (layers) =>
    `|r| of ${layers} was beyond what these betas allow: the posted moments are not Adam’s`,
};

export function stagesAt(stages: readonly StageInterval[], step: number): StageInterval[] {
  return stages.filter(
    ({ fromStep, toStep }) => fromStep <= step && (toStep === null || toStep >= step),
  );
}

/** One sentence a stage and label that some layer was in before the rise; what no layer was in says nothing. */
export function describeStagesBefore(facts: PostmortemFacts): Sentence[] {
  const { stages } = facts;
  if (stages.length === 0) return [];
  const before = stagesAt(stages, lastQuietStep(facts));
  const sentences: Sentence[] = [];
  for (const [stage, words] of Object.entries(BEFORE)) {
    const held = before.filter((interval) => interval.stage === stage);
    if (held.length > 0) sentences.push(describeHeld(facts, held, words, stage));
  }
  for (const [label, words] of Object.entries(LABELS_BEFORE)) {
    const held = before.filter((interval) => interval.label === label);
    if (held.length > 0) sentences.push(describeHeld(facts, held, words, label));
  }
  const unknown = before.filter(({ stage }) => stage === 'insufficient_data').length;
  if (unknown > 0 && unknown === before.length) {
    sentences.push({
      kind: 'stages',
      text: `No layer could be placed in a stage: ${describeMissing(facts)}.`,
      evidence: [],
    });
  }
  return sentences;
}

function describeMissing({ run: { missingStageInputs } }: PostmortemFacts): string {
  const names = missingStageInputs.map(metricWord);
  if (names.length === 0) return 'too little was reported before it';
  return `${names.join(', ')} ${names.length === 1 ? 'was' : 'were'} not reported`;
}

/** `what`: the stage or label that the sentence is about, whatever else the layers had. */
function describeHeld(
  facts: PostmortemFacts,
  held: readonly StageInterval[],
  words: (layers: string) => string,
  what: string,
): Sentence {
  const earliest = Math.min(...held.map(({ fromStep }) => fromStep));
  const names = held.map(({ layer }) => layerName(facts, layer));
  const who = names.length <= 2 ? nameList(names) : plural(names.length, 'layer');
  const text = words(who);
  const since = `${held.length > 1 ? 'the longest ' : ''}since step ${formatStep(earliest)}`;
  return {
    kind: 'stages',
    text: `Before it, ${text}, ${since}.`,
    evidence: held
      .toSorted((a, b) => a.fromStep - b.fromStep)
      .slice(0, MOST_EVIDENCE)
      .map((interval) => toEvidence(interval, what)),
  };
}

function toEvidence({ layer, attempt, fromStep }: StageInterval, what: string): Evidence {
  return { metric: `stage:${what}`, layer, attempt, step: fromStep, value: null };
}

/** How layers went through trigger, explosion and the way back; null where none did. */
export function describeStagesThrough(facts: PostmortemFacts): Sentence | null {
  const { spike, stages, columns } = facts;
  const rise = riseOf(spike);
  const end = columns.steps.at(-1) ?? spike.onsetStep;
  const within = stages.filter(
    ({ fromStep }) => fromStep >= rise - 10 && fromStep <= Math.max(end, rise),
  );
  const parts: string[] = [];
  const evidence: Evidence[] = [];
  for (const [stage, verb] of [
    ['trigger', 'were triggered'],
    ['explosion', 'exploded'],
    ['decorrelating', 'decorrelated'],
    ['recovering', 'were on the way back'],
  ] as const) {
    const first = firstOfLayers(within.filter((interval) => interval.stage === stage));
    if (first.length === 0) continue;
    const step = Math.min(...first.map(({ fromStep }) => fromStep));
    const were = first.length === 1 ? verb.replace('were', 'was') : verb;
    const names = first.map(({ layer }) => layerName(facts, layer));
    const who = names.length <= 2 ? nameList(names) : plural(names.length, 'layer');
    parts.push(`${who} ${were} from ${formatStep(step)} on`);
    evidence.push(...first.slice(0, 8).map((interval) => toEvidence(interval, stage)));
  }
  if (parts.length === 0) return null;
  return { kind: 'stages', text: `Through it, ${parts.join(', ')}.`, evidence };
}

function firstOfLayers(intervals: readonly StageInterval[]): StageInterval[] {
  const first = new Map<number, StageInterval>();
  for (const interval of intervals) {
    const known = first.get(interval.layer);
    if (known === undefined || interval.fromStep < known.fromStep)
      first.set(interval.layer, interval);
  }
  return [...first.values()].sort((a, b) => a.fromStep - b.fromStep || a.layer - b.layer);
}

/** Whether r had two peaks before the rise, and what those at the burst say. */
export function describeShapes(facts: PostmortemFacts): Sentence[] {
  const { columns } = facts;
  const dips = columns.layers.get('ratio_dip');
  if (dips === undefined) return [];
  const sentences: Sentence[] = [];
  const before = peaksAt(facts, columnAt(columns, lastQuietStep(facts)));
  if (before !== null) {
    sentences.push({
      kind: 'distribution',
      text:
        before.twoPeaked.length === 0
          ? `At ${formatStep(before.step)}, before anything moved, r had one peak in every layer.`
          : `At ${formatStep(before.step)}, before anything moved, r had two peaks in ${nameTwoPeaked(facts, before)} (dip ${formatFixed(before.most.dip, 3)}).`,
      evidence: [dipEvidence(facts, before)],
    });
  }
  const burst = findBurst(facts);
  if (burst !== null && (before === null || burst.twoPeaked.length > before.twoPeaked.length)) {
    sentences.push({
      kind: 'distribution',
      text: `At ${formatStep(burst.step)} r had two peaks in ${plural(burst.twoPeaked.length, 'layer')}. Peaks that come with the jump are no evidence that gradients were correlated before it: one gradient that outweighs the whole history makes two by itself.`,
      evidence: [dipEvidence(facts, burst)],
    });
  }
  return sentences;
}

function nameTwoPeaked(facts: PostmortemFacts, { twoPeaked, most }: Peaks): string {
  const name = layerName(facts, most.layer);
  return twoPeaked.length === 1 ? name : `${plural(twoPeaked.length, 'layer')}, most in ${name}`;
}

interface Peaks {
  readonly step: number;
  readonly twoPeaked: readonly number[];
  readonly most: { readonly layer: number; readonly dip: number };
}

function peaksAt({ columns }: PostmortemFacts, at: number): Peaks | null {
  const step = columns.steps[at];
  const dips = columns.layers.get('ratio_dip')?.[at];
  if (step === undefined || dips === undefined) return null;
  const known = Array.from(dips, (dip, layer) => ({ layer, dip })).filter(({ dip }) =>
    Number.isFinite(dip),
  );
  const most = known.toSorted((a, b) => b.dip - a.dip)[0];
  if (most === undefined) return null;
  const twoPeaked = known.filter(({ dip }) => dip >= TWO_PEAKS_DIP).map(({ layer }) => layer);
  return { step, twoPeaked, most };
}

/** The step from the first sign to the peak on which most layers had two peaks; null where none had. */
function findBurst(facts: PostmortemFacts): Peaks | null {
  const { spike, columns } = facts;
  const rise = riseOf(spike);
  const to = Math.max(rise, spike.peakStep ?? rise);
  let best: Peaks | null = null;
  for (let at = columnAt(columns, lastQuietStep(facts)) + 1; at <= columnAt(columns, to); at++) {
    const peaks = peaksAt(facts, at);
    if (peaks === null || peaks.twoPeaked.length === 0) continue;
    if (best === null || peaks.twoPeaked.length > best.twoPeaked.length) best = peaks;
  }
  return best;
}

function dipEvidence({ spike }: PostmortemFacts, { step, most }: Peaks): Evidence {
  return {
    ...{ metric: 'ratio_dip', layer: most.layer, attempt: spike.attempt },
    step,
    value: most.dip,
  };
}
