import { binomialTail } from './binomial-tail';

/** How RMS spikes of one layer lie to the loss spikes of the run. */
export interface LeadLag {
  readonly rmsSpikeCount: number;
  readonly lossSpikeCount: number;
  /** Loss spikes that follow an RMS spike by `shortestLead` to `longestLead` steps. */
  readonly precededCount: number;
  /** Chance that one loss spike does, were it anywhere: share of eligible steps after one. */
  readonly chance: number;
  /** Probability of as many or more by chance. */
  readonly tail: number;
}

export interface LeadLagWindow {
  readonly shortestLead: number;
  readonly longestLead: number;
  /** Spikes less than so many steps apart count as the earliest of them. */
  readonly mergeSteps: number;
}

/** Wortsman et al.: RMS spikes lead by 1 to 8 iterations; those within 10 are one. */
export const LEAD_LAG_WINDOW: LeadLagWindow = { shortestLead: 1, longestLead: 8, mergeSteps: 10 };

/** Steps in which both were watched, inclusive; start-up left out. */
export interface WatchedSteps {
  readonly fromStep: number;
  readonly toStep: number;
}

/**
 * Wortsman et al.'s question to one layer: do its RMS spikes announce loss spikes? RMS spikes
 * are handed in one by one, ascending, so that a layer is a few numbers. Spikes nearer than
 * `mergeSteps` to the one before count as the earliest of them; those outside the watched
 * steps, which ascend without overlap, are left out.
 *
 * Empty   no loss spike: tail 1; no step to watch: chance 0
 * Source  arXiv:2304.13013, whose text could not be read; the recipe of the chance is ours
 */
export class LeadLagCounter {
  readonly #losses: readonly number[];
  readonly #watched: readonly WatchedSteps[];
  readonly #window: LeadLagWindow;
  #newest = -Infinity;
  #rmsSpikeCount = 0;
  #nextLoss = 0;
  #precededCount = 0;
  #coveredTo = -Infinity;
  #covered = 0;

  constructor(
    lossSpikeSteps: readonly number[],
    watched: readonly WatchedSteps[],
    window: LeadLagWindow = LEAD_LAG_WINDOW,
  ) {
    this.#watched = watched;
    this.#window = window;
    this.#losses = mergeSpikes(
      lossSpikeSteps.filter((step) => this.#isWatched(step)),
      window.mergeSteps,
    );
  }

  add(step: number): void {
    if (!this.#isWatched(step)) return;
    const isMerged = step - this.#newest < this.#window.mergeSteps;
    this.#newest = step;
    if (isMerged) return;
    this.#rmsSpikeCount++;
    const first = step + this.#window.shortestLead;
    const last = step + this.#window.longestLead;
    this.#covered += countWithin(this.#watched, Math.max(first, this.#coveredTo + 1), last);
    this.#coveredTo = Math.max(this.#coveredTo, last);
    // What lies before this window lies before all that follow.
    while (this.#lossAt() < first) this.#nextLoss++;
    for (; this.#lossAt() <= last; this.#nextLoss++) this.#precededCount++;
  }

  finish(): LeadLag {
    const total = countWatched(this.#watched);
    const chance = total === 0 ? 0 : this.#covered / total;
    return {
      rmsSpikeCount: this.#rmsSpikeCount,
      lossSpikeCount: this.#losses.length,
      precededCount: this.#precededCount,
      chance,
      tail: binomialTail(this.#precededCount, this.#losses.length, chance),
    };
  }

  #isWatched(step: number): boolean {
    return countWithin(this.#watched, step, step) > 0;
  }

  #lossAt(): number {
    return this.#losses[this.#nextLoss] ?? Infinity;
  }
}

export function countWatched(watched: readonly WatchedSteps[]): number {
  return countWithin(watched, -Infinity, Infinity);
}

/** Watched steps from `first` to `last`, both inclusive. */
function countWithin(watched: readonly WatchedSteps[], first: number, last: number): number {
  return watched.reduce((count, { fromStep, toStep }) => {
    return count + Math.max(0, Math.min(last, toStep) - Math.max(first, fromStep) + 1);
  }, 0);
}

/** Ascending steps, those less than `mergeSteps` after the one before left out. */
function mergeSpikes(steps: readonly number[], mergeSteps: number): number[] {
  const merged: number[] = [];
  let newest = -Infinity;
  for (const step of [...steps].sort((a, b) => a - b)) {
    if (step - newest >= mergeSteps) merged.push(step);
    newest = step;
  }
  return merged;
}
