/** Whether a loss that is up may still come back by itself. */
import { FAST_STEPS } from '../view/outlook/run-condition';
import type { PostmortemFacts } from './facts';

export interface OpenStanding {
  /** The last step that the spike's attempt reported. */
  readonly lastStep: number;
  readonly stepsSince: number;
  /** Its run has ended, or a restart left the attempt behind: no step will follow. */
  readonly hasEnded: boolean;
  /** It may yet be a fast spike. */
  readonly isYoung: boolean;
}

/** No step will follow in the spike's attempt. */
export function hasAttemptEnded({
  spike,
  run,
  attempts,
}: Pick<PostmortemFacts, 'spike' | 'run' | 'attempts'>): boolean {
  return !run.isRunning || attempts.some(({ attempt }) => attempt > spike.attempt);
}

/** How an open spike stands; null for one that is over, or that never came back. */
export function standingOfOpen({
  spike,
  run,
  attempts,
  columns,
}: Pick<PostmortemFacts, 'spike' | 'run' | 'attempts' | 'columns'>): OpenStanding | null {
  if (spike.recovery !== 'open' || spike.kind === 'divergence') return null;
  const own = attempts.find(({ attempt }) => attempt === spike.attempt);
  const lastStep = Math.max(
    spike.onsetStep,
    own?.lastStep ?? spike.onsetStep,
    columns.steps.at(-1) ?? spike.onsetStep,
  );
  const stepsSince = lastStep - spike.onsetStep;
  const hasEnded = hasAttemptEnded({ spike, run, attempts });
  return { lastStep, stepsSince, hasEnded, isYoung: !hasEnded && stepsSince <= FAST_STEPS };
}
