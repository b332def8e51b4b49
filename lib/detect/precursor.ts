import type { LossEventKind } from './loss-event';
import { type LayerMonitor, hasGradientHistory, hasLayerHistory } from './layer-monitor';
import { type FirstMover, LEAD_STEPS, findFirstMovers } from './mover-log';
import { type NormLead, type NormWatch, findNormLead, hasNormHistory } from './norm-watch';

export type Verdict = 'precursor_found' | 'no_precursor' | 'insufficient_data';

/** What moved before a spike did, and how often something would have by chance. */
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

/** Counts of quiet steps; plain data. */
export interface MoverOdds {
  quietSteps: number;
  /** Those that a layer or the gradient norm began to move up to 10 steps before. */
  stepsAfterMover: number;
}

export function createMoverOdds(): MoverOdds {
  return { quietSteps: 0, stepsAfterMover: 0 };
}

/** Takes in a quiet step; `lastMoverStep` is the newest one below it, −1 for none. */
export function countQuietStep(odds: MoverOdds, step: number, lastMoverStep: number): void {
  odds.quietSteps++;
  if (lastMoverStep >= 0 && step - lastMoverStep <= LEAD_STEPS) odds.stepsAfterMover++;
}

/** Whether there is enough behind a step to say that nothing moved before it. */
export function hasHistory(monitor: LayerMonitor, norm: NormWatch): boolean {
  return hasLayerHistory(monitor) || hasNormHistory(norm);
}

/** What precursors are looked for in. */
export interface Movements {
  readonly monitor: LayerMonitor;
  readonly norm: NormWatch;
  readonly odds: MoverOdds;
}

/** Looks back from the step on which the loss rose. */
export function findPrecursor({ monitor, norm, odds }: Movements, riseStep: number): Precursor {
  const firstMovers = findFirstMovers(monitor.movers, riseStep);
  return toPrecursor(firstMovers, findNormLead(norm, riseStep), {
    odds,
    isKnown: hasHistory(monitor, norm),
  });
}

/**
 * Looks back from the first step of an RMS spike at what could announce it: gradients, of a
 * layer or of the model. An RMS that moves is the spike itself.
 */
export function findRmsPrecursor({ monitor, norm, odds }: Movements, onsetStep: number): Precursor {
  const firstMovers = findFirstMovers(monitor.movers, onsetStep).filter(
    ({ metric, leadSteps }) => metric === 'gradient_rms' && leadSteps >= 1,
  );
  const lead = findNormLead(norm, onsetStep);
  return toPrecursor(firstMovers, lead !== null && lead.leadSteps >= 1 ? lead : null, {
    odds,
    isKnown: hasGradientHistory(monitor) || hasNormHistory(norm),
  });
}

function toPrecursor(
  firstMovers: readonly FirstMover[],
  gradientNorm: NormLead | null,
  { odds, isKnown }: { odds: MoverOdds; isKnown: boolean },
): Precursor {
  const longestLead = Math.max(firstMovers[0]?.leadSteps ?? 0, gradientNorm?.leadSteps ?? 0);
  return {
    firstMovers,
    gradientNorm,
    verdict: isKnown ? verdictOf(longestLead) : 'insufficient_data',
    quietSteps: odds.quietSteps,
    chance: odds.quietSteps === 0 ? null : odds.stepsAfterMover / odds.quietSteps,
  };
}

/** What moves with the loss, on the same step, announces nothing. */
function verdictOf(leadSteps: number): Verdict {
  return leadSteps >= 1 ? 'precursor_found' : 'no_precursor';
}

/**
 * What was found to lead a spike, kept while the spike may still be told of: the log of
 * movers goes on and would forget.
 */
export interface HeldPrecursor {
  readonly kind: LossEventKind | 'rms_spike';
  /** First step of the spike, which never changes, and the one that leads count from. */
  readonly openedStep: number;
  readonly riseStep: number;
  readonly precursor: Precursor;
}

/** An open event, one that settles, an outlier that may be merged, those to be seen again. */
const PRECURSORS_HELD = 8;

/** The precursor found before, unless the rise has moved since; then what `find` finds. */
export function holdPrecursor(
  held: HeldPrecursor[],
  spike: Omit<HeldPrecursor, 'precursor'>,
  find: () => Precursor,
): Precursor {
  const at = held.findIndex(
    ({ kind, openedStep }) => kind === spike.kind && openedStep === spike.openedStep,
  );
  const known = held[at];
  if (known?.riseStep === spike.riseStep) return known.precursor;
  const precursor = find();
  if (known !== undefined) held.splice(at, 1);
  held.push({ ...spike, precursor });
  if (held.length > PRECURSORS_HELD) held.shift();
  return precursor;
}
