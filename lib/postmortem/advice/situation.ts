/** The facts, arranged as the rules of advice ask for them. */
import { STABILITY_RATIO } from '../../contract/warnings';
import { describeStageLabel } from '../../contract/stages';
import type { AdviceItem } from '../../contract/advice';
import type { Spike } from '../../contract/reads';
import type { LayerNow, RunCondition } from '../../view/outlook/run-condition';
import { namesOfLayers } from '../facts';
import { stagesAt } from '../stage-sentences';
import type { AdviceFacts } from './advice-facts';

export interface Situation {
  readonly facts: AdviceFacts;
  /** As pages judge remedies by it. */
  readonly condition: RunCondition;
  /** The loss event that is open on the way to this step; null while the loss is where it belongs. */
  readonly open: Spike | null;
  /** Spikes of attempts that were left behind, at steps that this attempt has yet to pass. */
  readonly ahead: readonly Spike[];
  readonly isAdam: boolean;
}

export function toSituation(facts: AdviceFacts): Situation {
  const { attempt, optimizer, attempts, step, lastLoss, spikes, events, warnings, layers } = facts;
  const onTheWay = spikes.filter((spike) => isOnTheWay(facts, spike));
  const condition: RunCondition = {
    newestStep: step,
    isLossNonFinite: lastLoss !== null && !Number.isFinite(lastLoss),
    optimizer,
    attempts: attempts.map((each) => ({ ...each, optimizer })),
    spikes: onTheWay,
    events,
    warnings,
    layers: layersNow(facts),
    figures: {
      rms: newestOf(facts, 'rms'),
      belowEpsilon: newestOf(facts, 'second_moment_below_epsilon_fraction'),
      ratioDip: newestOf(facts, 'ratio_dip'),
    },
    stability: newestStability(facts),
    schedule: null,
    tenfoldCount: null,
    layerNames: namesOfLayers(layers),
  };
  return {
    facts,
    condition,
    open: onTheWay.findLast((spike) => isOpen(spike, condition)) ?? null,
    ahead: spikes.filter(
      (spike) => spike.attempt < attempt && !isOnTheWay(facts, spike) && endOf(spike) > step,
    ),
    isAdam: isAdam(facts),
  };
}

/** [L] the newest finite value of each layer; NaN where none was reported lately. */
export function newestOf({ columns, layers }: AdviceFacts, metric: string): number[] {
  const values = columns.layers.get(metric) ?? [];
  return layers.map((_, layer) => {
    for (let at = values.length - 1; at >= 0; at--) {
      const value = values[at]?.[layer] ?? NaN;
      if (Number.isFinite(value)) return value;
    }
    return NaN;
  });
}

/** As the job named them: it has to find them again. */
export function nameLayers(
  { layers }: AdviceFacts,
  indices: readonly number[],
): AdviceItem['layers'] {
  return indices.map((index) => ({ index, name: layers[index]?.name ?? `layer ${index}` }));
}

/** The last step that an event of the loss reached, as far as is known. */
export function endOf({ recoveredStep, peakStep, onsetStep }: Spike): number {
  return Math.max(onsetStep, recoveredStep ?? peakStep ?? onsetStep);
}

/** Whether the newest attempt stands behind this spike: no restart went back to before it. */
function isOnTheWay({ attempts }: AdviceFacts, { attempt, onsetStep }: Spike): boolean {
  return attempts.every((other) => other.attempt <= attempt || onsetStep < other.resumeFromStep);
}

function isOpen({ kind, recovery }: Spike, { isLossNonFinite }: RunCondition): boolean {
  if (kind === 'divergence') return isLossNonFinite;
  return kind === 'loss_spike' && recovery === 'open';
}

function layersNow({ stages, step, attempt }: AdviceFacts): LayerNow[] {
  return stagesAt(stages, step)
    .filter((interval) => interval.attempt === attempt)
    .map(({ layer, stage, label, fromStep }) => ({
      ...{ layer, stage, label, fromStep },
      meaning: describeStageLabel(label),
    }));
}

function newestStability({ columns, warnings }: AdviceFacts): RunCondition['stability'] {
  const values = columns.scalars.get(STABILITY_RATIO);
  for (let at = columns.steps.length - 1; at >= 0; at--) {
    const value = values?.[at] ?? NaN;
    if (Number.isFinite(value)) return { step: columns.steps[at] ?? 0, value };
  }
  // Curvature is measured every few hundred steps; a warning that holds knows its value.
  const open = warnings.findLast(({ metric }) => metric === STABILITY_RATIO);
  return open === undefined ? null : { step: open.peakStep, value: open.peakValue };
}

/** Whether it has Adam's two moments, which clipping, resetting and ε are about. */
function isAdam({ optimizer }: AdviceFacts): boolean {
  const { name, beta2, epsilon } = optimizer;
  if (/adam|lamb/i.test(name)) return true;
  return (name === '' || name === 'unknown') && beta2 !== undefined && epsilon !== undefined;
}
