import type { Spike } from '../../contract/reads';
import type { Warning } from '../../contract/warnings';
import { describeOpenWarning } from '../outlook/curvature-words';
import type { StepWindow } from '../axes/step-axis';
import type { RunStatusView } from './run-status';
import type { LayerChanges } from '../outlook/layer-changes';
import { HISTORY_STEPS } from '../outlook/layer-changes';
import { NEVER_RECOVERED, recoveryWord } from '../spikes/recovery-words';
import { describeMovers } from '../spikes/spike-movers';
import {
  formatAge,
  formatFactor,
  formatNumber,
  formatPercent,
  formatStep,
} from '../text/format-number';

/** What the verdict line says of a run; only what the stored data shows. */
export interface RunVerdict {
  readonly mark: 'loss_spike' | 'divergence' | null;
  readonly emphasis: string | null;
  readonly sentence: string;
  readonly detail: string | null;
}

export interface RunVerdictInput {
  readonly status: RunStatusView;
  readonly stepsPerSecond: number | null;
  readonly newestStep: number | null;
  /** null when the newest step reported none. */
  readonly newestLoss: number | null;
  readonly isNewestLossNonFinite: boolean;
  readonly lastFiniteStep: number | null;
  readonly lowestLoss: { readonly value: number; readonly step: number } | null;
  readonly spikes: readonly Spike[];
  /** The newest: what was open in an older one is open no more. */
  readonly attempt: number;
  readonly warnings: readonly Warning[];
  /** The steps that a person chose to look at; null while the whole run is shown. */
  readonly window: StepWindow | null;
  readonly changes: LayerChanges | null;
  readonly layerNames: readonly string[];
}

/** What a tab is called: the trouble before the name, without figures that would flicker. */
export function prepareRunTitle(
  name: string,
  { mark, emphasis }: Pick<RunVerdict, 'mark' | 'emphasis'>,
): string {
  return `${mark === null || emphasis === null ? '' : `${emphasis} · `}${name} · Spikescope`;
}

/** A level shift of less is training as usual. */
const LEAST_SHIFT = 0.02;

const timesOf = (value: number, base: number): string => {
  const factor = value / base;
  return `${factor >= 9.5 ? String(Math.round(factor)) : formatNumber(factor)} times`;
};

const plural = (count: number, word: string): string =>
  `${formatStep(count)} ${word}${count === 1 ? '' : 's'}`;

/** One sentence: what, since when, how bad; then what else is known, or that it is not. */
export function prepareRunVerdict(input: RunVerdictInput): RunVerdict {
  const { newestStep, newestLoss, spikes } = input;
  if (newestStep === null) {
    return { mark: null, emphasis: null, sentence: 'Waiting for the first frame.', detail: null };
  }
  if (input.isNewestLossNonFinite) {
    const since = spikes.findLast(
      ({ kind, recoveredStep }) => kind === 'divergence' && recoveredStep === null,
    );
    return {
      mark: 'divergence',
      emphasis: 'Diverged',
      sentence: `at ${formatStep(since?.onsetStep ?? newestStep)}: loss is NaN${
        input.lastFiniteStep === null
          ? ' and no finite loss was reported.'
          : `; the last finite step is ${formatStep(input.lastFiniteStep)}.`
      }`,
      detail: describeChanges(input),
    };
  }
  const lossSpikes = spikes.filter(({ kind }) => kind === 'loss_spike');
  const looked = spikeInWindow(lossSpikes, input.window);
  if (looked !== null) return describeSpikeInWindow(input, looked, lossSpikes);
  const open = lossSpikes.findLast(
    ({ recovery, attempt }) => recovery === 'open' && attempt === input.attempt,
  );
  if (open !== undefined) return describeOpenSpike(input, open, lossSpikes.length);

  const loss = newestLoss === null ? 'no loss reported' : `loss ${formatNumber(newestLoss)}`;
  const lead = leadOf(input, newestStep);
  const rise = describeRise(input);
  const last = lossSpikes.at(-1);
  return {
    mark: null,
    emphasis: null,
    sentence: `${lead}: ${loss}${rise === null ? '' : `, ${rise}`}.`,
    detail: [
      last === undefined ? null : describeClosedSpike(input, last, lossSpikes.length),
      describeOpenWarning(input.warnings),
      describeChanges(input),
    ]
      .filter((part) => part !== null)
      .join(' '),
  };
}

function leadOf({ status, stepsPerSecond }: RunVerdictInput, newestStep: number): string {
  const at = formatStep(newestStep);
  switch (status.kind) {
    case 'waiting':
    case 'live':
      return `Training at step ${at}`;
    case 'stale': {
      const usual =
        stepsPerSecond === null || stepsPerSecond <= 0
          ? ''
          : `, usually one in ${formatNumber(1 / stepsPerSecond)} s`;
      return `No frame for ${formatAge(status.ageMs)} since step ${at}${usual}`;
    }
    case 'finished':
      return `Finished at step ${at}`;
    case 'failed':
      return `Failed after step ${at}`;
    case 'stopped':
      return `Stopped after step ${at}`;
  }
}

/** "34 times its lowest (0.0043 at 548)", once the loss stands well above it. */
function describeRise({ newestLoss, newestStep, lowestLoss }: RunVerdictInput): string | null {
  if (newestLoss === null || lowestLoss === null) return null;
  if (lowestLoss.step === newestStep) return 'its lowest so far';
  if (lowestLoss.value <= 0) return null;
  const where = `${formatNumber(lowestLoss.value)} at ${formatStep(lowestLoss.step)}`;
  const factor = newestLoss / lowestLoss.value;
  return factor < 1.5
    ? `lowest ${where}`
    : `${timesOf(newestLoss, lowestLoss.value)} its lowest (${where})`;
}

/** The one loss spike whose onset and peak are in the window; null for none or several. */
export function spikeInWindow(
  lossSpikes: readonly Spike[],
  window: StepWindow | null,
): Spike | null {
  if (window === null) return null;
  const inside = lossSpikes.filter(
    ({ onsetStep, peakStep }) =>
      window.fromStep <= onsetStep && (peakStep ?? onsetStep) <= window.toStep,
  );
  return inside.length === 1 ? (inside[0] ?? null) : null;
}

function describeSpikeInWindow(
  input: RunVerdictInput,
  spike: Spike,
  lossSpikes: readonly Spike[],
): RunVerdict {
  const peak =
    spike.peakValue === null || spike.peakStep === null
      ? ''
      : `, peaked at ${formatNumber(spike.peakValue)} on ${formatStep(spike.peakStep)}`;
  const end =
    spike.recovery === 'open' && !hasEnded(input, spike)
      ? ' and is open'
      : describeEnd(input, spike);
  return {
    mark: 'loss_spike',
    emphasis: `Spike ${lossSpikes.indexOf(spike) + 1} of ${lossSpikes.length}`,
    sentence: `opened at ${formatStep(spike.onsetStep)}${peak}${end}.`,
    detail: [describeMovers(spike, input.layerNames), describeDamage(spike)]
      .filter((part) => part !== null)
      .join(' '),
  };
}

/** What a spike that is over has cost, and whether it is one. */
function describeDamage({ reevaluation, levelShift, baseline }: Spike): string | null {
  if (reevaluation?.standsOut === false) {
    return 'Seen from both sides the loss does not stand out here.';
  }
  if (levelShift === null || baseline === null || baseline <= 0) return null;
  const share = levelShift / baseline;
  if (Math.abs(share) < LEAST_SHIFT) return null;
  const direction = share > 0 ? 'above' : 'below';
  return `The loss settled ${formatPercent(Math.abs(share))} ${direction} where it was.`;
}

function describeOpenSpike(input: RunVerdictInput, spike: Spike, count: number): RunVerdict {
  const { newestLoss } = input;
  const height =
    newestLoss !== null && spike.baseline !== null && spike.baseline > 0
      ? `, ${timesOf(newestLoss, spike.baseline)} its baseline`
      : '';
  const movers = describeMovers(spike, input.layerNames);
  const isOver = hasEnded(input, spike);
  const since = isOver
    ? `from step ${formatStep(spike.onsetStep)} to the end at ${formatStep(input.newestStep)}:`
    : `since step ${formatStep(spike.onsetStep)}:`;
  return {
    mark: 'loss_spike',
    emphasis: `Loss spike ${recoveryWord('open', isOver)}`,
    sentence: `${since} loss ${formatNumber(newestLoss)}${height}.`,
    detail: [movers, count > 1 ? `Spike ${count} of this run.` : null]
      .filter((part) => part !== null)
      .join(' '),
  };
}

/** A spike is followed for so many losses, or until another starts: what comes later is not its own. */
function describeEnd(input: RunVerdictInput, spike: Spike): string {
  const { recoveredStep, recovery } = spike;
  if (recoveredStep !== null) {
    return `, recovered ${recovery === 'partial' ? 'in part ' : ''}by ${formatStep(recoveredStep)}`;
  }
  if (recovery === 'diverged') return ', and ended in a loss that is NaN';
  if (recovery === 'unrecovered') return ', not recovered as long as it was followed';
  return recovery === 'open' && hasEnded(input, spike) ? ` and ${NEVER_RECOVERED}` : '';
}

/** No step will follow in the attempt of the spike. */
function hasEnded({ status, attempt }: RunVerdictInput, spike: Spike): boolean {
  const isRunning = status.kind === 'live' || status.kind === 'stale' || status.kind === 'waiting';
  return !isRunning || spike.attempt < attempt;
}

function describeClosedSpike(input: RunVerdictInput, spike: Spike, count: number): string {
  const peak =
    spike.peakValue === null || spike.peakStep === null
      ? ''
      : `, peaked at ${formatNumber(spike.peakValue)} on ${formatStep(spike.peakStep)}`;
  return `${plural(count, 'loss spike')} so far; the last opened at ${formatStep(spike.onsetStep)}${peak}${describeEnd(input, spike)}.`;
}

/** Which layers no longer report numbers, and who of them was the first. */
function describeNonFinite(
  { nonFinite, layerCount, historySteps }: LayerChanges,
  first: LayerChanges['nonFinite'][number],
  layerNames: readonly string[],
): string {
  const who = `Gradient norm is not finite in ${formatStep(nonFinite.length)} of ${plural(layerCount, 'layer')}`;
  const name = layerNames[first.layer] ?? `layer ${first.layer}`;
  if (first.sinceStep === null) {
    return `${who}, in ${name} for longer than the last ${historySteps} steps.`;
  }
  const others = nonFinite.filter(({ sinceStep }) => sinceStep === first.sinceStep).length - 1;
  const company = others === 0 ? '' : ` and ${plural(others, 'other')}`;
  return `${who}, first in ${name}${company} at ${formatStep(first.sinceStep)}.`;
}

/** What the layers do now, as far as there is history to say it. */
function describeChanges({ changes, layerNames }: RunVerdictInput): string | null {
  if (changes === null) return null;
  const firstNonFinite = changes.nonFinite[0];
  if (firstNonFinite !== undefined) return describeNonFinite(changes, firstNonFinite, layerNames);
  const most = changes.items[0];
  if (most === undefined) {
    return changes.newestStep === null
      ? null
      : `Too little history to compare layers: ${changes.historySteps} of ${HISTORY_STEPS} steps.`;
  }
  const name = layerNames[most.layer] ?? `layer ${most.layer}`;
  const norm = `${changes.historySteps}-step median`;
  if (changes.tenfoldCount === 0) {
    return `No layer’s gradient norm is ten times its ${norm}; ${name} moved most, ${formatFactor(most.factor)}.`;
  }
  const largest = changes.items.find(({ factor }) => factor >= 10) ?? most;
  return (
    `Gradient norm at least ten times its ${norm} in ${formatStep(changes.tenfoldCount)} of ${plural(changes.items.length, 'layer')}, ` +
    `most in ${layerNames[largest.layer] ?? `layer ${largest.layer}`} (${formatFactor(largest.factor)}).`
  );
}
