/** The run as it stood when the spike came, in the form in which remedies are judged. */
import { STABILITY_RATIO } from '../contract/warnings';
import { describeStageLabel } from '../contract/stages';
import type { Spike } from '../contract/reads';
import { readSchedule } from '../view/outlook/learning-rate-schedule';
import type { RunCondition } from '../view/outlook/run-condition';
import { isInPast } from './changes';
import { columnAt, lastQuietStep, LEAD_STEPS, riseOf, type PostmortemFacts } from './facts';
import { stagesAt } from './stage-sentences';

/**
 * Stages, ε and dip are those of the step before anything moved: what a remedy could have acted
 * on. RMS is the highest from the first sign to the peak. The spike counts among the run's
 * spikes as one that is over: what was there before it is judged, not what it did itself.
 */
export function conditionAtSpike(facts: PostmortemFacts): RunCondition {
  const { spike, columns, attempts, run, warnings } = facts;
  const rise = riseOf(spike);
  const peak = Math.max(rise, spike.peakStep ?? rise);
  const quiet = lastQuietStep(facts);
  const before = columnAt(columns, quiet);
  const optimizer = attempts.find(({ attempt }) => attempt === spike.attempt)?.optimizer;
  const columnOf = (metric: string): number[] =>
    Array.from(columns.layers.get(metric)?.[before] ?? []);
  return {
    newestStep: peak,
    isLossNonFinite: spike.kind === 'divergence',
    optimizer: optimizer ?? { name: '' },
    attempts: attempts.filter(({ attempt }) => attempt <= spike.attempt),
    spikes: spikesUpTo(facts, peak),
    events: facts.events.filter((event) => event.step <= rise && isInPast(facts, event)),
    warnings: warnings.filter(
      ({ fromStep, attempt }) => fromStep <= rise && attempt <= spike.attempt,
    ),
    layers: stagesAt(facts.stages, quiet).map(({ layer, stage, label, fromStep }) => ({
      ...{ layer, stage, label, fromStep },
      meaning: describeStageLabel(label),
    })),
    figures: {
      rms: highestRms(facts, rise - LEAD_STEPS, peak),
      belowEpsilon: columnOf('second_moment_below_epsilon_fraction'),
      ratioDip: columnOf('ratio_dip'),
    },
    stability: lastStability(facts, before),
    schedule: readSchedule(facts.rates.toStep, facts.rates.rate),
    tenfoldCount: null,
    layerNames: run.layerNames,
  };
}

function spikesUpTo({ spikes, spike }: PostmortemFacts, peak: number): Spike[] {
  return spikes
    .filter(({ onsetStep, attempt }) => onsetStep <= peak && attempt <= spike.attempt)
    .map((known) =>
      known.id === spike.id && known.recovery === 'open' ? { ...known, recovery: 'fast' } : known,
    );
}

function highestRms({ columns, run }: PostmortemFacts, from: number, to: number): number[] {
  const highest = run.layerNames.map(() => NaN);
  const values = columns.layers.get('rms') ?? [];
  for (let at = columnAt(columns, from - 1) + 1; at <= columnAt(columns, to); at++) {
    values[at]?.forEach((value, layer) => {
      const known = highest[layer] ?? NaN;
      if (value > known || Number.isNaN(known)) highest[layer] = value;
    });
  }
  return highest;
}

function lastStability({ columns }: PostmortemFacts, before: number): RunCondition['stability'] {
  const values = columns.scalars.get(STABILITY_RATIO);
  for (let at = before; at >= 0; at--) {
    const value = values?.[at] ?? NaN;
    if (Number.isFinite(value)) return { step: columns.steps[at] ?? 0, value };
  }
  return null;
}
