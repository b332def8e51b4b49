/** What a loop may do while the loss is still where it belongs, and at the jump itself. */
import { formatFixed, formatNumber, formatStep } from '../../view/text/format-number';
import { largestOf, layersIn, RECENT_STEPS } from '../../view/outlook/run-condition';
import { nameList, plural } from '../words';
import type { AdviceDraft } from './advice-facts';
import { nameLayers, type Situation } from './situation';

/** A checkpoint this fresh is as good as one made now. */
const FRESH_STEPS = 100;
/** From the gradient's jump a trigger is news for so many steps: where the loss follows, it does within 8. */
const LEAD_STEPS = 8;
/** No advice takes more of a rate at once. */
const LEAST_FACTOR = 0.1;
/** v forgets a jump in 1/(1−β2) steps; a rate is not held down longer for one. */
const LONGEST_HOLD_STEPS = 100;
const SHORTEST_HOLD_STEPS = 20;

/** While layers are on the way to a spike and the weights are whole. */
export function adviseCheckpoint({ facts, condition, open }: Situation): AdviceDraft | null {
  const { step, attempt, events, warnings } = facts;
  const held = layersIn(condition, 'update_collapsed', 'correlating', 'armed');
  const warned = warnings.find(({ kind }) => kind !== 'curvature_doubled');
  if (open !== null || (held.length === 0 && warned === undefined)) return null;
  const saved = events.findLast(
    (event) => event.kind === 'checkpoint' && event.attempt === attempt,
  );
  if (saved !== undefined && step - saved.step <= FRESH_STEPS) return null;
  const sinceStep = Math.min(...held.map(({ fromStep }) => fromStep), warned?.fromStep ?? Infinity);
  const armed = held.filter(({ stage }) => stage === 'armed').length;
  const parts = [
    held.length === 0 ? null : `${plural(held.length - armed, 'layer')} collapsed, ${armed} armed`,
    warned === undefined ? null : `the stability ratio was ${formatNumber(warned.peakValue)}`,
  ].filter((part) => part !== null);
  const last =
    saved === undefined
      ? 'no checkpoint of this attempt was posted'
      : `the last checkpoint is ${formatStep(saved.step)}`;
  return {
    // Layers come and go: at most once in so many steps.
    key: `${Math.floor(step / FRESH_STEPS)}`,
    action: 'save_checkpoint',
    severity: armed > 0 || warned !== undefined ? 'warn' : 'note',
    sinceStep,
    reason: `${parts.join('; ')} since ${formatStep(sinceStep)}; ${last}`,
    caveat:
      'Layers that have collapsed already are in it as they are: going back to it does not undo that.',
  };
}

/** The gradient has jumped in layers that had collapsed: the step before the loss goes. */
export function adviseAtTrigger({ facts, condition }: Situation): AdviceDraft | null {
  const jumped = layersIn(condition, 'trigger', 'explosion');
  if (jumped.length === 0) return null;
  const sinceStep = Math.min(...jumped.map(({ fromStep }) => fromStep));
  if (facts.step - Math.max(...jumped.map(({ fromStep }) => fromStep)) > LEAD_STEPS) return null;
  const rms = largestOf(
    condition.figures.rms.map((value, layer) =>
      jumped.some((each) => each.layer === layer) ? value : NaN,
    ),
  );
  const { beta2 } = facts.optimizer;
  const forSteps =
    beta2 === undefined || beta2 >= 1
      ? SHORTEST_HOLD_STEPS
      : Math.min(LONGEST_HOLD_STEPS, Math.max(SHORTEST_HOLD_STEPS, Math.ceil(1 / (1 - beta2))));
  const names = nameLayers(
    facts,
    jumped.map(({ layer }) => layer),
  );
  return {
    ...{ key: `${sinceStep}`, action: 'lower_learning_rate', severity: 'warn', sinceStep },
    reason: `the gradient jumped by a decade at ${formatStep(sinceStep)} in ${nameList(names.map(({ name }) => name))}${rms === null ? '' : `, RMS up to ${formatFixed(rms.value, 2)}`}`,
    caveat:
      'The theory expects full-sized updates in one direction now, and the loss a step later. A layer may also calm down by itself; training is slower while the rate is low.',
    layers: names,
    factor: LEAST_FACTOR,
    forSteps,
  };
}

/** Beyond what Adam stands, by the curvature that the job measured. */
export function adviseAtCurvature({ facts }: Situation): AdviceDraft[] {
  return facts.warnings
    .filter(({ kind }) => kind === 'curvature_beyond_limit')
    .map(({ id, peakValue, peakStep, fromStep }) => ({
      ...{ key: id, action: 'lower_learning_rate', severity: 'warn', sinceStep: fromStep },
      reason: `the stability ratio was ${formatNumber(peakValue)} at ${formatStep(peakStep)}; beyond 1 momentum descent is unstable`,
      caveat:
        'Slower training. Curvature often grows again until it meets the lower rate’s limit; 0.8 to 1.1 is where full-batch training sits by itself.',
      factor: roundDown(Math.min(0.9, Math.max(0.5, 1 / peakValue))),
    }));
}

/** Spikes that come again ask for a lower rate, whatever each of them came from. */
export function adviseRepeated({ facts, condition }: Situation): AdviceDraft | null {
  // Those that a restart went back from count too: the run has had them.
  const spikes = facts.spikes.filter(({ kind }) => kind === 'loss_spike' || kind === 'divergence');
  const newest = condition.spikes.findLast(({ kind }) => kind === 'loss_spike');
  if (spikes.length < 2 || newest === undefined) return null;
  if (facts.step - newest.onsetStep > RECENT_STEPS) return null;
  const before = spikes.filter(({ id }) => id !== newest.id).at(-1);
  return {
    ...{ key: newest.id, action: 'lower_learning_rate', severity: 'warn' },
    sinceStep: newest.onsetStep,
    reason: `${plural(spikes.length, 'loss spike')} so far, the last two at ${formatStep(before?.onsetStep ?? null)} and ${formatStep(newest.onsetStep)}`,
    caveat:
      'Slower training. IDEFICS went down by 25 % after its spikes, OPT by 10 % and later more.',
    factor: 0.75,
    spikeId: newest.id,
  };
}

const roundDown = (factor: number): number => Math.floor(factor * 100) / 100;
