/**
 * A new attempt goes on from the trajectory that it resumes, so that a spike twenty steps
 * after a restart is found and no second start-up is excused.
 */
import { decodeDetector, encodeDetector } from './detector-codec';
import { type RunDetector, createRunDetector } from './run-detector';

/**
 * Steps of the trajectory before a resume that fill every window anew: 128 samples of a
 * loss logged every fourth step, and all per-layer windows.
 */
export const REPLAY_STEPS = 512;

export type Continuation =
  /** A copy of the state as it stood: go on with the resume step. */
  | { readonly kind: 'continued'; readonly detector: RunDetector }
  /**
   * The old attempt went beyond the resume step. Feed the last REPLAY_STEPS steps of the
   * effective trajectory before it, leave their findings alone, call `leaveClosedEvents` and
   * `inheritOpenEvent`.
   */
  | { readonly kind: 'replay'; readonly detector: RunDetector };

/**
 * The detectors of an attempt that resumes at `resumeFromStep`, from those of the attempt
 * that it continues, which are left as they are.
 */
export function continueDetector(previous: RunDetector, resumeFromStep: number): Continuation {
  if (previous.newestStep < resumeFromStep) {
    const detector = decodeDetector(encodeDetector(previous));
    inheritOpenEvent(detector);
    return { kind: 'continued', detector };
  }
  return { kind: 'replay', detector: startFrom(previous, resumeFromStep) };
}

/** After a replay: an event that is open at the resume step began in an older attempt. */
export function inheritOpenEvent({ loss }: RunDetector): void {
  if (loss.event !== null) loss.event.isInherited = true;
}

/**
 * After a replay: events that were over before the resume step are the older attempt's to
 * tell of, which may have dated them otherwise.
 */
export function leaveClosedEvents({ loss }: RunDetector): void {
  if (loss.settling !== null) loss.settling.event.isInherited = true;
  if (loss.lastOutlier !== null) loss.lastOutlier.event.isInherited = true;
  loss.review.awaited = [];
}

/** Empty windows; with what is true of the run's start, where the replay will not show it. */
function startFrom({ layers, loss, stages }: RunDetector, resumeFromStep: number): RunDetector {
  const detector = createRunDetector(layers);
  if (resumeFromStep <= REPLAY_STEPS) return detector;
  detector.loss.startLevel = loss.startLevel;
  Object.assign(detector.loss.warmUp, loss.warmUp);
  detector.stages.structuralZeros.set(stages.structuralZeros);
  detector.stages.firstStep = stages.firstStep;
  return detector;
}
