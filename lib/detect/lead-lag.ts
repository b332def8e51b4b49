import { binomialTail } from './binomial-tail';

/** How RMS spikes of one layer lie to the loss spikes of the run. */
export interface LeadLag {
  readonly rmsSpikeCount: number;
  readonly lossSpikeCount: number;
  /** Loss spikes that follow an RMS spike by 1 to 8 steps. */
  readonly precededCount: number;
  /** Chance that one loss spike does, were it anywhere: share of eligible steps 1 to 8 after one. */
  readonly chance: number;
  /** Probability of as many or more by chance. */
  readonly tail: number;
}

export interface LeadLagInput {
  readonly rmsSpikeSteps: readonly number[];
  readonly lossSpikeSteps: readonly number[];
  /** Steps in which both were watched, inclusive; start-up left out. */
  readonly fromStep: number;
  readonly toStep: number;
}

const SHORTEST_LEAD = 1;
const LONGEST_LEAD = 8;
const MERGE_STEPS = 10;

/**
 * Wortsman et al.'s question to one layer: do its RMS spikes announce loss spikes? Spikes
 * less than 10 steps apart count as the earliest of them; those outside the watched steps
 * are left out.
 *
 * Empty   no loss spike: tail 1; no step to watch: chance 0
 * Source  arXiv:2304.13013, whose text could not be read; the recipe of the chance is ours
 */
export function computeLeadLag({
  rmsSpikeSteps,
  lossSpikeSteps,
  fromStep,
  toStep,
}: LeadLagInput): LeadLag {
  const isWatched = (step: number): boolean => step >= fromStep && step <= toStep;
  const rms = mergeSteps(rmsSpikeSteps.filter(isWatched));
  const losses = mergeSteps(lossSpikeSteps.filter(isWatched));
  const preceded = losses.filter((loss) =>
    rms.some((step) => loss - step >= SHORTEST_LEAD && loss - step <= LONGEST_LEAD),
  );
  const watched = Math.max(0, toStep - fromStep + 1);
  let covered = 0;
  rms.forEach((step, index) => {
    const end = Math.min(
      step + LONGEST_LEAD,
      toStep,
      (rms[index + 1] ?? Infinity) + SHORTEST_LEAD - 1,
    );
    covered += Math.max(0, end - step - SHORTEST_LEAD + 1);
  });
  const chance = watched === 0 ? 0 : covered / watched;
  return {
    rmsSpikeCount: rms.length,
    lossSpikeCount: losses.length,
    precededCount: preceded.length,
    chance,
    tail: binomialTail(preceded.length, losses.length, chance),
  };
}

/** Ascending steps, those less than 10 after the one before left out. */
function mergeSteps(steps: readonly number[]): number[] {
  const merged: number[] = [];
  let newest = -Infinity;
  for (const step of [...steps].sort((a, b) => a - b)) {
    if (step - newest >= MERGE_STEPS) merged.push(step);
    newest = step;
  }
  return merged;
}
