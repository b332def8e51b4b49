/**
 * Whether the learning rate still climbs from the start of training. Loss and gradients
 * move by orders of magnitude then, so that nothing in them is a spike yet.
 */
export interface WarmUp {
  kind: 'unseen' | 'climbing' | 'over';
  /** Largest learning rate so far; null before the first. */
  peak: number | null;
  /** Samples since the learning rate was last raised. */
  sinceRaised: number;
}

export function createWarmUp(): WarmUp {
  return { kind: 'unseen', peak: null, sinceRaised: 0 };
}

/** Logs with few decimals repeat a rising value; 6 decimals over 5,000 steps repeat it 8 times. */
const STEPS_WITHOUT_RISE = 16;

/**
 * Takes in one step's learning rate; null where the step reported none. A later rise (a
 * restart's re-warm-up, a cyclic schedule) is not a start: once over, it stays over.
 */
export function observeLearningRate(warmUp: WarmUp, learningRate: number | null): void {
  if (warmUp.kind === 'over' || learningRate === null || !Number.isFinite(learningRate)) return;
  if (warmUp.peak === null || learningRate > warmUp.peak) {
    warmUp.kind = 'climbing';
    warmUp.peak = learningRate;
    warmUp.sinceRaised = 0;
    return;
  }
  warmUp.sinceRaised++;
  if (learningRate < warmUp.peak || warmUp.sinceRaised >= STEPS_WITHOUT_RISE) warmUp.kind = 'over';
}

/** True while a learning rate has been seen to climb; a job that posts none has no warm-up. */
export function isWarmingUp(warmUp: WarmUp): boolean {
  return warmUp.kind === 'climbing';
}
