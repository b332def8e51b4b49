/** How a spike ended, in the words that every list, verdict and postmortem shares. */
import type { Spike } from '../../contract/reads';
import type { RunSummary } from '../../contract/runs';

/** Of a spike that was open when its attempt ended: nothing will ever be known of its end. */
export const NEVER_RECOVERED = 'never recovered';

const RECOVERIES: Readonly<Record<Spike['recovery'], string>> = {
  fast: 'fast',
  slow: 'slow',
  partial: 'partial recovery',
  unrecovered: 'not recovered',
  diverged: 'diverged',
  open: 'open',
};

/** Whether no step will follow in an attempt: its run has ended, or a restart left it behind. */
export function hasAttemptEnded(
  run: Pick<RunSummary, 'status' | 'attempt'>,
  attempt: number,
): boolean {
  return run.status !== 'running' || attempt < run.attempt;
}

export function recoveryWord(recovery: Spike['recovery'], hasEnded: boolean): string {
  return hasEnded && recovery === 'open' ? NEVER_RECOVERED : RECOVERIES[recovery];
}

/** The spikes as they stand: what was open when its attempt ended is open no more. */
export function settleSpikes(
  spikes: readonly Spike[],
  run: Pick<RunSummary, 'status' | 'attempt'>,
): readonly Spike[] {
  return spikes.map((spike) =>
    spike.recovery === 'open' && hasAttemptEnded(run, spike.attempt)
      ? { ...spike, recovery: 'unrecovered' }
      : spike,
  );
}

/** What can be asked for: `open` are also those whose attempt ended. */
export const RECOVERY_OPTIONS: readonly (readonly [Spike['recovery'], string])[] = [
  ['fast', RECOVERIES.fast],
  ['slow', RECOVERIES.slow],
  ['partial', RECOVERIES.partial],
  ['unrecovered', RECOVERIES.unrecovered],
  ['diverged', RECOVERIES.diverged],
  ['open', `${RECOVERIES.open} or ${NEVER_RECOVERED}`],
];
