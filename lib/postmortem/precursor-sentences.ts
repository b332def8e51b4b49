/** What moved before the loss did, and what finding it is worth. */
import type { Evidence, Sentence } from '../contract/postmortem';
import type { Spike } from '../contract/reads';
import { formatFactor, formatPercent, formatStep } from '../view/text/format-number';
import {
  layerName,
  layerSeries,
  columnAt,
  riseOf,
  scalarAt,
  spikeBefore,
  usualBefore,
  type PostmortemFacts,
} from './facts';
import { countWatchedSteps, hasGaps } from './watched-steps';
import { inSteps, metricValue, metricWord, nameList, plural } from './words';

type Mover = Spike['firstMovers'][number];

/** More groups than this tell no more. */
const MOST_GROUPS = 4;
const MOST_EVIDENCE = 16;
/** Fewer quiet steps than this say nothing of odds. */
const LEAST_CHANCE_STEPS = 100;

/** As the detectors read it: the gradient's RMS of a job that posts norms alone is norm/√n. */
function moverSeries({ columns, run }: PostmortemFacts, metric: string, layer: number): number[] {
  const series = layerSeries(columns, metric, layer);
  if (metric !== 'gradient_rms' || series.some(Number.isFinite)) return series;
  const root = Math.sqrt(run.parameterCounts[layer] ?? NaN);
  return layerSeries(columns, 'gradient_norm', layer).map((norm) => norm / root);
}

/** What a mover's metric was on its step, against its own median before. */
export function measureMover(
  facts: PostmortemFacts,
  { layer, metric, step }: Pick<Mover, 'layer' | 'metric' | 'step'>,
): { readonly value: number; readonly usual: number } {
  const series = moverSeries(facts, metric, layer);
  const at = columnAt(facts.columns, step);
  const value = facts.columns.steps[at] === step ? (series[at] ?? NaN) : NaN;
  return { value, usual: usualBefore(facts.columns, series, riseOf(facts.spike)) };
}

/** At least one sentence: what led, or that nothing did, or that it cannot be told. */
export function describePrecursor(facts: PostmortemFacts): Sentence[] {
  const { spike } = facts;
  const rise = riseOf(spike);
  const what = spike.kind === 'rms_spike' ? 'RMS' : 'the loss';
  const at: Evidence = {
    ...{ metric: 'loss', layer: null, attempt: spike.attempt, step: rise },
    value: finite(scalarAt(facts.columns, 'loss', rise)),
  };
  if (spike.verdict === 'insufficient_data') {
    const text = `There was too little history before ${formatStep(rise)} to look for a precursor.`;
    return [{ kind: 'precursor', text, evidence: [at] }];
  }
  const leading = spike.firstMovers.filter(({ leadSteps }) => leadSteps >= 1);
  const sentences = [
    ...groupByStep(leading).map((group) => describeGroup(facts, group, what)),
    ...describeNorm(facts, what),
  ];
  const late = spike.firstMovers.filter(
    ({ leadSteps, metric }) =>
      leadSteps === 0 && (spike.kind !== 'rms_spike' || metric === 'gradient_rms'),
  );
  if (sentences.length === 0) {
    const withIt = late.length === 0 ? '' : `; ${plural(late.length, 'layer')} moved with it`;
    const before = spikeBefore(facts);
    if (before !== null) {
      const text = `The loss had been up since ${formatStep(before.onsetStep)}, in the spike that ended here: what moved before that is in its postmortem.`;
      return [{ kind: 'precursor', text, evidence: [at] }];
    }
    const text = `No precursor found: nothing moved in the 10 steps before ${what} rose at ${formatStep(rise)}${withIt}${describeGaps(facts, rise)}.`;
    return [
      { kind: 'precursor', text, evidence: [at, ...late.slice(0, 8).map(toEvidence(facts))] },
    ];
  }
  if (late.length > 0) {
    const text = `${plural(late.length, 'layer')} moved with ${what}, at ${formatStep(rise)}, too late to announce it.`;
    sentences.push({
      kind: 'precursor',
      text,
      evidence: late.slice(0, MOST_EVIDENCE).map(toEvidence(facts)),
    });
  }
  return sentences;
}

/** Empty where layers were reported on every one of the steps before. */
function describeGaps({ columns }: PostmortemFacts, rise: number): string {
  const watched = countWatchedSteps(columns, rise);
  if (!hasGaps(watched)) return '';
  return watched === 0
    ? ', but no layer was reported on any of them'
    : `, but layers were reported on ${watched} of them alone`;
}

function groupByStep(movers: readonly Mover[]): Mover[][] {
  const groups = new Map<number, Mover[]>();
  for (const mover of [...movers].sort((a, b) => a.step - b.step)) {
    groups.set(mover.step, [...(groups.get(mover.step) ?? []), mover]);
  }
  return [...groups.values()].slice(0, MOST_GROUPS);
}

function describeGroup(facts: PostmortemFacts, group: readonly Mover[], what: string): Sentence {
  const measured = group
    .map((mover) => ({ mover, ...measureMover(facts, mover) }))
    .sort((a, b) => ratio(b) - ratio(a));
  const [farthest] = measured;
  const first = group[0];
  if (farthest === undefined || first === undefined) {
    return { kind: 'precursor', text: '', evidence: [] };
  }
  const names = measured.map(({ mover }) => layerName(facts, mover.layer));
  const factor = ratio(farthest);
  const { metric } = farthest.mover;
  const numbers = !Number.isFinite(farthest.value)
    ? ''
    : `${metricWord(metric)} ${metricValue(metric, farthest.value)}${factor > 0 ? `, ${formatFactor(factor)} its median` : ''}`;
  const of = facts.run.layerNames.length;
  const when = `At ${formatStep(first.step)}, ${inSteps(first.leadSteps)} before ${what} rose,`;
  const text =
    group.length <= 2
      ? `${when} ${nameList(names)} left ${group.length === 1 ? 'its' : 'their'} baseline${numbers === '' ? '' : ` (${names.length > 1 ? `${names[0] ?? ''}: ` : ''}${numbers})`}.`
      : `${when} ${group.length} of ${plural(of, 'layer')} left their baseline${numbers === '' ? '' : `, ${names[0] ?? ''} farthest (${numbers})`}.`;
  return {
    kind: 'precursor',
    text,
    evidence: measured.slice(0, MOST_EVIDENCE).map(({ mover, value }) => ({
      ...{ metric: mover.metric, layer: mover.layer, attempt: facts.spike.attempt },
      step: mover.step,
      value: finite(value),
    })),
  };
}

function describeNorm(facts: PostmortemFacts, what: string): Sentence[] {
  const { spike, columns } = facts;
  const norm = spike.globalMovers.find(({ leadSteps }) => leadSteps >= 1);
  if (norm === undefined) return [];
  const value = scalarAt(columns, norm.metric, norm.step);
  const series = columns.scalars.get(norm.metric) ?? new Float64Array();
  const usual = usualBefore(columns, series, riseOf(spike));
  const numbers =
    Number.isFinite(value) && Number.isFinite(usual)
      ? `: ${metricValue(norm.metric, value)} against ${metricValue(norm.metric, usual)}`
      : '';
  return [
    {
      kind: 'precursor',
      text: `The gradient norm of the whole model left its baseline at ${formatStep(norm.step)}, ${inSteps(norm.leadSteps)} before ${what} rose${numbers}.`,
      evidence: [
        {
          ...{ metric: norm.metric, layer: null, attempt: spike.attempt, step: norm.step },
          value: finite(value),
        },
      ],
    },
  ];
}

/** How often something moves before nothing; null where too few quiet steps were seen. */
export function describeChance({ spike }: PostmortemFacts): Sentence | null {
  const { precursorChance, chanceSteps, verdict } = spike;
  if (precursorChance === null || chanceSteps === null || chanceSteps < LEAST_CHANCE_STEPS) {
    return verdict === 'insufficient_data'
      ? null
      : {
          kind: 'chance',
          text: 'Too few quiet steps were seen to say how often a precursor is found by chance.',
          evidence: [],
        };
  }
  const found = `found by chance before ${formatPercent(precursorChance)} of quiet steps (${formatStep(Math.round(precursorChance * chanceSteps))} of ${formatStep(chanceSteps)})`;
  const text =
    precursorChance === 0
      ? `Chance seldom makes one: nothing had moved before any of ${formatStep(chanceSteps)} quiet steps.`
      : `A precursor is ${found}.`;
  return {
    kind: 'chance',
    text,
    evidence: [
      {
        ...{ metric: 'precursor_chance', layer: null, attempt: spike.attempt },
        step: riseOf(spike),
        value: precursorChance,
      },
    ],
  };
}

const toEvidence =
  (facts: PostmortemFacts) =>
  (mover: Mover): Evidence => ({
    ...{ metric: mover.metric, layer: mover.layer, attempt: facts.spike.attempt },
    step: mover.step,
    value: finite(measureMover(facts, mover).value),
  });

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** How far a mover went; 0 where that is not known. */
const ratio = ({ value, usual }: { readonly value: number; readonly usual: number }): number =>
  Number.isFinite(value) && usual > 0 ? value / usual : 0;
