/** What changes the optimizer: clipping, resetting, ε. Judged as pages judge these remedies. */
import { isRmsLevelOutOfReach, rmsCap } from '../../stats/rms-cap';
import { formatFixed, formatSetting, formatStep } from '../../view/text/format-number';
import type { Mitigation } from '../../view/outlook/mitigation';
import { clipUpdates, lowerEpsilon, resetState } from '../../view/outlook/mitigations-of-optimizer';
import {
  labelledLayers,
  layersIn,
  recentRmsSpikes,
  type RunCondition,
} from '../../view/outlook/run-condition';
import { plural } from '../words';
import type { AdviceDraft, AdviceFacts } from './advice-facts';
import { nameLayers, newestOf, type Situation } from './situation';

/** The published clipping: an update whose RMS is above 1 is larger than its own history. */
const RMS_CAP = 1;
/** As a study of resets warmed up again. */
const REWARM_STEPS = 150;
/** ε below the smallest gradient of the layers that it holds down, by so much. */
const EPSILON_SHARE = 0.01;
/** What float32 still tells from 0 beside √v. */
const LEAST_EPSILON = 1e-15;
const LARGE_SHARE = 0.5;
/** From so many values on an RMS of 2.3 is one. */
const SMALLEST_LAYER = 1000;

/** Once for an attempt: it holds from then on, and an RMS that is healthy is not touched by it. */
export function adviseClipping({ facts, condition, isAdam }: Situation): AdviceDraft | null {
  // It clips already.
  if (!isAdam || /stable/i.test(facts.optimizer.name)) return null;
  const heard = withSpikesAlone(condition, facts);
  const judged = clipUpdates(heard);
  const { beta2 } = facts.optimizer;
  const cap = rmsCap(beta2);
  const armed = layersIn(condition, 'armed', 'trigger', 'explosion');
  // A small β2 caps RMS by itself, whatever a layer does.
  const isCapped = judged.standing === 'not_now' && isRmsLevelOutOfReach(beta2);
  if (judged.standing !== 'offered' && (armed.length === 0 || isCapped)) return null;
  const reason =
    judged.standing === 'offered'
      ? judged.reason
      : `${plural(armed.length, 'layer')} armed since ${formatStep(firstOf(armed))}; once the gradient jumps, RMS may reach ${cap === null ? '1/√(1−β2)' : formatFixed(cap, 2)}`;
  return {
    ...{ key: 'rms', action: 'clip_updates', severity: 'warn' },
    sinceStep: armed.length === 0 ? lastRmsSpike(heard, facts.step) : firstOf(armed),
    reason,
    caveat: judged.caveat,
    value: RMS_CAP,
  };
}

/** Small tensors come by a large RMS in healthy training, and all do in start-up: no evidence. */
function withSpikesAlone(
  condition: RunCondition,
  { layers, watchedFromStep }: AdviceFacts,
): RunCondition {
  const spikes = condition.spikes.filter(
    ({ kind, onsetStep }) =>
      kind !== 'rms_spike' || (watchedFromStep !== null && onsetStep >= watchedFromStep),
  );
  const hasSpiked = recentRmsSpikes({ ...condition, spikes }).length > 0;
  const rms = condition.figures.rms.map((value, layer) =>
    hasSpiked && (layers[layer]?.parameterCount ?? 0) >= SMALLEST_LAYER ? value : NaN,
  );
  return { ...condition, spikes, figures: { ...condition.figures, rms } };
}

/** An item for each step on which layers armed: a layer is reset once for each time that it does. */
export function adviseReset({ facts, condition, isAdam }: Situation): AdviceDraft[] {
  const judged = resetState(condition);
  if (!isAdam || judged.standing !== 'offered') return [];
  const armed = layersIn(condition, 'armed').filter(({ label }) => label !== 'start_up');
  const steps = [...new Set(armed.map(({ fromStep }) => fromStep))].sort((a, b) => a - b);
  return steps.map((sinceStep) => {
    const layers = armed.filter(({ fromStep }) => fromStep === sinceStep).map(({ layer }) => layer);
    return {
      ...{ key: `${sinceStep}`, action: 'reset_optimizer_state', severity: 'warn', sinceStep },
      reason: `${plural(layers.length, 'layer')} armed since ${formatStep(sinceStep)}${dipText(facts, layers)}`,
      caveat: judged.caveat,
      layers: nameLayers(facts, layers),
      forSteps: REWARM_STEPS,
    };
  });
}

/** Prevents arming; does nothing good once the loss has gone. */
export function adviseEpsilon(situation: Situation): AdviceDraft | null {
  const { facts, condition, open, isAdam } = situation;
  const { epsilon } = facts.optimizer;
  if (!isAdam || open !== null || epsilon === undefined) return null;
  const judged: Mitigation = lowerEpsilon(condition);
  if (judged.standing !== 'offered') return null;
  const { belowEpsilon } = condition.figures;
  const held = layersIn(condition, 'update_collapsed', 'correlating', 'armed').filter(
    ({ layer }) => (belowEpsilon[layer] ?? 0) >= LARGE_SHARE,
  );
  const gradients = newestOf(facts, 'gradient_rms');
  const smallest = Math.min(
    ...held.map(({ layer }) => gradients[layer] ?? NaN).filter((value) => value > 0),
  );
  const wanted = Number.isFinite(smallest) ? smallest * EPSILON_SHARE : epsilon * EPSILON_SHARE;
  const value = Math.max(LEAST_EPSILON, 10 ** Math.floor(Math.log10(wanted)));
  if (!(value < epsilon)) return null;
  const sinceStep = firstOf(held);
  const stale = labelledLayers(condition, 'stale_v').length;
  return {
    ...{ key: formatKey(value), action: 'lower_epsilon', severity: 'note', sinceStep },
    reason: `${judged.reason}${Number.isFinite(smallest) ? `; their gradients are down to ${formatSetting(Number(smallest.toPrecision(2)))}` : ''}`,
    caveat: `${judged.caveat} ${stale > 0 ? `v of ${plural(stale, 'layer')} is stale: freed` : 'Freed'} updates may burst where v forgets more slowly than gradients shrink; clip them as well.`,
    layers: nameLayers(
      facts,
      held.map(({ layer }) => layer),
    ),
    value,
  };
}

const formatKey = (value: number): string => value.toExponential(0).replace('+', '');

const firstOf = (layers: readonly { readonly fromStep: number }[]): number =>
  Math.min(...layers.map(({ fromStep }) => fromStep));

function lastRmsSpike({ spikes }: Situation['condition'], step: number): number {
  return spikes.findLast(({ kind }) => kind === 'rms_spike')?.onsetStep ?? step;
}

function dipText(facts: Situation['facts'], layers: readonly number[]): string {
  const dips = newestOf(facts, 'ratio_dip');
  const known = layers.map((layer) => dips[layer] ?? NaN).filter(Number.isFinite);
  return known.length === 0 ? '' : `, dip of r up to ${formatFixed(Math.max(...known), 3)}`;
}
