/** In words: what moved before a loss spike, and how much that says. */
import type { Spike } from '../../contract/reads';
import { formatPercent, formatStep } from '../text/format-number';

/** Fewer quiet steps than this say nothing of odds. */
const LEAST_CHANCE_STEPS = 100;

/** Steps by which the first layer, or the gradient norm, moved before the loss rose; null when nothing did. */
export function leadOfSpike({ verdict, firstMovers, globalMovers }: Spike): number | null {
  if (verdict !== 'precursor_found') return null;
  const lead = [...firstMovers, ...globalMovers].reduce(
    (most, { leadSteps }) => Math.max(most, leadSteps),
    0,
  );
  return lead > 0 ? lead : null;
}

/** One or two sentences. */
export function describeMovers(spike: Spike, layerNames: readonly string[]): string {
  if (spike.verdict === 'insufficient_data') return 'Too little history to look for a precursor.';
  if (spike.verdict === 'no_precursor') {
    return 'No precursor: nothing moved in the 10 steps before onset.';
  }
  return [describeFirst(spike, layerNames), describeChance(spike)]
    .filter((part) => part !== null)
    .join(' ');
}

/** Whether the gradient norm of the model announced the spike and no layer did. */
export function isAnnouncedByNormAlone({ verdict, firstMovers, globalMovers }: Spike): boolean {
  const leads = (movers: readonly { readonly leadSteps: number }[]): boolean =>
    movers.some(({ leadSteps }) => leadSteps >= 1);
  return verdict === 'precursor_found' && leads(globalMovers) && !leads(firstMovers);
}

/** Of an open spike that no layer announced: what the layers beside do not tell; else null. */
export function describeOpenNorm(spikes: readonly Spike[]): string | null {
  const open = spikes.findLast(
    ({ kind, recovery }) => kind === 'loss_spike' && recovery === 'open',
  );
  if (open === undefined || !isAnnouncedByNormAlone(open)) return null;
  return 'The gradient norm of the whole model announced the open spike; no layer moved first.';
}

function describeFirst(spike: Spike, layerNames: readonly string[]): string {
  const first = spike.firstMovers[0];
  if (isAnnouncedByNormAlone(spike)) return describeNorm(spike, layerNames);
  if (first === undefined) {
    return 'The gradient norm of the whole model left its baseline before the loss rose.';
  }
  const name = layerNames[first.layer] ?? `layer ${first.layer}`;
  const together = spike.firstMovers.filter(({ step }) => step === first.step);
  const others = new Set(together.map(({ layer }) => layer)).size - 1;
  const who =
    others === 0
      ? `${name} left its baseline`
      : `${name} and ${plural(others, 'other layer')} left their baseline`;
  return first.leadSteps <= 0
    ? `${who} at ${formatStep(first.step)}, with the loss.`
    : `${who} at ${formatStep(first.step)}, ${inSteps(first.leadSteps)} before the loss rose.`;
}

/** Of a run without layers there is nothing to say of them. */
function describeNorm({ firstMovers, globalMovers }: Spike, layerNames: readonly string[]): string {
  const norm = globalMovers[0];
  if (norm === undefined) return '';
  const what = `gradient norm of the whole model left its baseline at ${formatStep(norm.step)}, ${inSteps(norm.leadSteps)} before the loss rose`;
  if (layerNames.length === 0) return `The ${what}.`;
  const layers = new Set(firstMovers.map(({ layer }) => layer)).size;
  return layers === 0
    ? `Only the ${what}; no layer moved.`
    : `Only the ${what}; ${plural(layers, 'layer')} moved with the loss.`;
}

/** How often a precursor is found where nothing follows: what the one found is worth. */
function describeChance({ precursorChance, chanceSteps }: Spike): string | null {
  if (precursorChance === null || chanceSteps === null || chanceSteps < LEAST_CHANCE_STEPS) {
    return null;
  }
  const steps = `${formatStep(chanceSteps)} quiet steps`;
  return precursorChance === 0
    ? `Nothing moved before any of ${steps}.`
    : `Something moved before ${formatPercent(precursorChance)} of ${steps} too.`;
}

function inSteps(count: number): string {
  return count === 1 ? 'one step' : `${count} steps`;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/**
 * Layer → the step on which it first moved before a spike: the last one of the window, or
 * of the whole run where the window holds none.
 */
export function firstMoverSteps(
  spikes: readonly Spike[],
  window: { readonly fromStep: number; readonly toStep: number } | null,
): ReadonlyMap<number, number> {
  const lossSpikes = spikes.filter(({ kind }) => kind === 'loss_spike');
  const spike =
    lossSpikes.findLast(
      ({ onsetStep }) =>
        window !== null && window.fromStep <= onsetStep && onsetStep <= window.toStep,
    ) ?? lossSpikes.at(-1);
  const steps = new Map<number, number>();
  for (const { layer, step } of spike?.firstMovers ?? []) {
    steps.set(layer, Math.min(step, steps.get(layer) ?? step));
  }
  return steps;
}
