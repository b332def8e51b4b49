/** How a spike ended, in the words that every list, verdict and postmortem shares. */
import type { Spike } from '../../contract/reads';
import type { RunSummary } from '../../contract/runs';
import { RECOVERY_FILTERS, type RecoveryFilter } from '../../contract/spike-search';

/** Of a spike that was open when its attempt ended: nothing will ever be known of its end. */
export const NEVER_RECOVERED = 'never recovered';

const ENDINGS: Readonly<Record<RecoveryFilter, string>> = {
  fast: 'fast',
  slow: 'slow',
  partial: 'partial recovery',
  unrecovered: 'not recovered',
  diverged: 'diverged',
  open: 'open',
  never_recovered: NEVER_RECOVERED,
};

/** Whether no step will follow in an attempt: its run has ended, or a restart left it behind. */
export function hasAttemptEnded(
  run: Pick<RunSummary, 'status' | 'attempt'>,
  attempt: number,
): boolean {
  return run.status !== 'running' || attempt < run.attempt;
}

/** As it is asked for and grouped by. */
export function endingOf(recovery: Spike['recovery'], hasEnded: boolean): RecoveryFilter {
  return hasEnded && recovery === 'open' ? 'never_recovered' : recovery;
}

export function recoveryWord(recovery: Spike['recovery'], hasEnded: boolean): string {
  return ENDINGS[endingOf(recovery, hasEnded)];
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

/** What can be asked for. */
export const ENDING_OPTIONS: readonly (readonly [RecoveryFilter, string])[] = RECOVERY_FILTERS.map(
  (ending) => [ending, ENDINGS[ending]],
);
