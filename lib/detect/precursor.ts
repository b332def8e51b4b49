import { type LayerMonitor, hasLayerHistory } from './layer-monitor';
import { type FirstMover, findFirstMovers } from './mover-log';
import { type NormLead, type NormWatch, findNormLead, hasNormHistory } from './norm-watch';

export type Verdict = 'precursor_found' | 'no_precursor' | 'insufficient_data';

/** What moved before the loss did, and how often something would have by chance. */
export interface Precursor {
  /** Layers that left their baseline in the 10 steps before the rise or on it. */
  readonly firstMovers: readonly FirstMover[];
  /** The run's gradient norm, which belongs to no layer; null where it did not move. */
  readonly gradientNorm: NormLead | null;
  readonly verdict: Verdict;
  /**
   * Share of quiet steps with a mover in the 10 steps before them: the odds that a
   * precursor is found where there is none. null before a step has been watched.
   */
  readonly chance: number | null;
  /** How many quiet steps that share is of. */
  readonly quietSteps: number;
}

/** Looks back from the step on which the loss rose. */
export function findPrecursor(monitor: LayerMonitor, norm: NormWatch, riseStep: number): Precursor {
  const firstMovers = findFirstMovers(monitor.movers, riseStep);
  const gradientNorm = findNormLead(norm, riseStep);
  const longestLead = Math.max(firstMovers[0]?.leadSteps ?? 0, gradientNorm?.leadSteps ?? 0);
  const hasHistory = hasLayerHistory(monitor) || hasNormHistory(norm);
  return {
    firstMovers,
    gradientNorm,
    verdict: hasHistory ? verdictOf(longestLead) : 'insufficient_data',
    quietSteps: monitor.quietSteps,
    chance: monitor.quietSteps === 0 ? null : monitor.quietStepsAfterMover / monitor.quietSteps,
  };
}

/** What moves with the loss, on the same step, announces nothing. */
function verdictOf(leadSteps: number): Verdict {
  return leadSteps >= 1 ? 'precursor_found' : 'no_precursor';
}
