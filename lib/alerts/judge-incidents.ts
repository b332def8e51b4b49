/** Whether what a rule would have said was followed by a loss spike or a divergence. */
import type { Spike } from '../contract/reads';

export interface JudgedIncident {
  readonly attempt: number;
  readonly openedStep: number;
}

export interface Judgement {
  readonly verdict: 'true' | 'false' | 'too_early_to_say';
  readonly spikeId: string | null;
  /** Steps from its opening to the rise of the spike; negative: after. */
  readonly leadSteps: number | null;
}

type Trouble = Pick<Spike, 'id' | 'attempt' | 'onsetStep' | 'riseStep' | 'recoveredStep'>;

/** Those that a rule is held against. */
export function isTrouble({ kind }: Pick<Spike, 'kind'>): boolean {
  return kind === 'loss_spike' || kind === 'divergence';
}

/** It begins within the horizon, or had begun and was not over. */
function matches(
  { openedStep, attempt }: JudgedIncident,
  spike: Trouble,
  horizon: number,
): boolean {
  if (spike.attempt !== attempt) return false;
  if (spike.onsetStep >= openedStep) return spike.onsetStep - openedStep <= horizon;
  return openedStep <= (spike.recoveredStep ?? Infinity);
}

/**
 * By the earliest spike of its attempt that begins within `horizon` steps after it opened, or
 * within which it opened; too early where the attempt does not go on for as long.
 */
export function judgeIncident(
  incident: JudgedIncident,
  spikes: readonly Trouble[],
  { horizon, lastStep }: { readonly horizon: number; readonly lastStep: number },
): Judgement {
  const spike = spikes
    .filter((candidate) => matches(incident, candidate, horizon))
    .toSorted((a, b) => a.onsetStep - b.onsetStep)[0];
  if (spike !== undefined) {
    const leadSteps = (spike.riseStep ?? spike.onsetStep) - incident.openedStep;
    return { verdict: 'true', spikeId: spike.id, leadSteps };
  }
  const isEarly = lastStep < incident.openedStep + horizon;
  return { verdict: isEarly ? 'too_early_to_say' : 'false', spikeId: null, leadSteps: null };
}

/** Spikes that no incident came before or with. */
export function findMissed<S extends Trouble>(
  incidents: readonly JudgedIncident[],
  spikes: readonly S[],
  horizon: number,
): S[] {
  return spikes.filter((spike) => !incidents.some((incident) => matches(incident, spike, horizon)));
}

/** "7 times, 2 false", "once, none false", "never". */
export function summariseJudgements(counts: {
  readonly trueCount: number;
  readonly falseCount: number;
  readonly undecidedCount: number;
}): string {
  const { trueCount, falseCount, undecidedCount } = counts;
  const count = trueCount + falseCount + undecidedCount;
  if (count === 0) return 'never';
  const times = count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`;
  const judged = trueCount + falseCount === 0 ? [] : [`${falseCount || 'none'} false`];
  const undecided = undecidedCount === 0 ? [] : [`${undecidedCount} too early to say`];
  return [times, ...judged, ...undecided].join(', ');
}
