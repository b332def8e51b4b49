import type { Postmortem } from '../../contract/postmortem';
import type { Spike } from '../../contract/reads';
import { formatNumber, formatPercent, formatStep } from '../text/format-number';
import { recoveryWord } from './recovery-words';
import { leadOfSpike } from './spike-movers';

export interface SpikeFact {
  readonly label: string;
  readonly value: string;
  /** In smaller letters after it. */
  readonly after?: string;
}

export const VERDICT_WORDS: Readonly<Record<Spike['verdict'], string>> = {
  precursor_found: 'Precursor found',
  no_precursor: 'No precursor',
  insufficient_data: 'Too little history',
};
const KINDS: Readonly<Record<Spike['kind'], string>> = {
  loss_spike: 'Loss spike',
  outlier_batch: 'Outlier batch',
  divergence: 'Divergence',
  rms_spike: 'RMS spike',
};
export function spikeKindWord(kind: Spike['kind']): string {
  return KINDS[kind];
}

const inSteps = (count: number): string => `${formatStep(count)} ${count === 1 ? 'step' : 'steps'}`;

/** Fewer quiet steps than this say nothing of odds. */
const LEAST_CHANCE_STEPS = 100;

/** Before the rise, in which first movers are looked for. */
const WATCHED_STEPS = 10;

/** How often a precursor is found before nothing; none of some steps is not never. */
function chanceOf({ precursorChance, chanceSteps }: Spike): Pick<SpikeFact, 'value' | 'after'> {
  if (precursorChance === null || chanceSteps === null) return { value: '–' };
  if (chanceSteps < LEAST_CHANCE_STEPS) return { value: '–', after: 'too few steps' };
  const value = precursorChance === 0 ? '0' : formatPercent(precursorChance);
  return { value, after: `of ${formatStep(chanceSteps)} steps` };
}

/** Where to go back to and what to skip, in full, of a spike that did not pass by itself. */
export function waysBack({
  spike: { kind, recovery },
  rewind,
  skip,
}: Pick<Postmortem, 'spike' | 'rewind' | 'skip'>): string[] {
  const passed = recovery === 'fast' && kind !== 'divergence';
  if (passed || kind === 'outlier_batch' || kind === 'rms_spike') return [];
  return [rewind?.text, skip?.text].filter((text) => text !== undefined);
}

/** What a verdict without a layer stands on, where layers were not reported on every step before. */
function watchOf({ verdict, firstMovers }: Spike, watchedSteps: number | null): string | null {
  if (watchedSteps === null || watchedSteps >= WATCHED_STEPS) return null;
  if (verdict === 'insufficient_data' || firstMovers.some(({ leadSteps }) => leadSteps >= 1)) {
    return null;
  }
  return `layers on ${watchedSteps} of ${WATCHED_STEPS} steps`;
}

/** Where no layer moved first: what that was looked for in. */
export function describeNoMovers({
  spike: { verdict },
  watchedSteps,
}: Pick<Postmortem, 'spike' | 'watchedSteps'>): string {
  if (verdict === 'insufficient_data') return 'There was too little history to look for any.';
  const text = `No layer left its baseline in the ${WATCHED_STEPS} steps before the rise, or on it.`;
  return watchedSteps === null || watchedSteps >= WATCHED_STEPS
    ? text
    : `${text} Layers were reported on ${watchedSteps} of them.`;
}

/**
 * The numbers that stand at the head of a postmortem, in their order; `hasEnded` and
 * `watchedSteps` as a postmortem says them.
 */
export function prepareSpikeFacts(
  spike: Spike,
  hasEnded: boolean,
  watchedSteps: number | null = null,
): SpikeFact[] {
  const watch = watchOf(spike, watchedSteps);
  const lead = leadOfSpike(spike);
  const { kind, recovery, peakStep, recoveredStep, onsetStep } = spike;
  return [
    {
      label: 'verdict',
      value: VERDICT_WORDS[spike.verdict],
      ...(watch === null ? {} : { after: watch }),
    },
    {
      label: 'kind',
      value:
        kind === 'outlier_batch'
          ? KINDS[kind]
          : `${KINDS[kind]}, ${recoveryWord(recovery, hasEnded)}`,
    },
    { label: 'lead', value: lead === null ? 'none' : lead === 1 ? '1 step' : `${lead} steps` },
    { label: 'by chance', ...chanceOf(spike) },
    { label: 'onset', value: formatStep(onsetStep) },
    {
      label: 'peak',
      value: formatNumber(spike.peakValue),
      ...(peakStep === null ? {} : { after: `at ${formatStep(peakStep)}` }),
    },
    { label: 'baseline', value: formatNumber(spike.baseline) },
    {
      label: 'recovered',
      value: formatStep(recoveredStep),
      ...(recoveredStep === null ? {} : { after: inSteps(recoveredStep - onsetStep) }),
    },
  ];
}
