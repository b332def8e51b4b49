/** What happens to a loss event once it is open: it recovers, is given up, or its level settles. */
import {
  type LossUpdatePhase,
  OUTLIER_Z,
  type Point,
  type Sample,
  judgeCandidate,
} from './loss-event';
import {
  type LossDetector,
  SAMPLES_NEEDED,
  acceptPoint,
  endAftermath,
  materialLimit,
  rebase,
} from './loss-state';
import { rememberedLosses } from './loss-history';
import { createMedianWindow, medianOf, pushValue, windowValues } from './median-window';
import {
  type OpenEvent,
  RECOVERY_SAMPLES,
  followEvent,
  openEvent,
  recoverEvent,
  recoveryLimit,
} from './open-event';
import { computeBaseline, robustZ } from './robust-baseline';

/** Says that an event opened or changed. */
export type Tell = (phase: LossUpdatePhase, event: OpenEvent) => void;

const GIVE_UP_SAMPLES = 1000;
const SETTLING_SAMPLES = 100;
const FEWEST_SETTLING_SAMPLES = 20;

/** Takes a finite sample into the open event. */
export function continueEvent(
  detector: LossDetector,
  event: OpenEvent,
  { step, value }: Point,
  tell: Tell,
): void {
  if (isNested(event, step, value)) {
    const limit = materialLimit(detector, medianOf(event.after));
    const verdict = judgeCandidate(event.nested, limit);
    if (verdict === 'pending') return;
    const { nested } = event;
    event.nested = [];
    if (verdict === 'spike') {
      startAnew(detector, event, nested, tell);
      return;
    }
    followNested(event, nested, tell);
  } else if (followEvent(event, { step, value, z: zOf(event, value) })) {
    tell('updated', event);
  }
  if (recoverEvent(event)) close(detector, event, tell);
  else if (event.sampleCount >= GIVE_UP_SAMPLES) giveUp(detector, event, tell);
}

function zOf({ baseline }: OpenEvent, value: number): number {
  return baseline === null ? 0 : robustZ(value, baseline);
}

/**
 * A loss that settled on a new level can spike from there, long before the old event is
 * given up. True while the sample belongs to such a candidate.
 */
function isNested(event: OpenEvent, step: number, value: number): boolean {
  if (event.nested.length === 0 && event.after.count < SAMPLES_NEEDED) return false;
  const z = robustZ(value, computeBaseline(event.after));
  if (event.nested.length === 0 && z < OUTLIER_Z) return false;
  event.nested.push({ step, value, z });
  return true;
}

/**
 * A loss that is not finite comes while something stands out within the event: with it that
 * is a spike of its own, or what was held back belongs to the event after all.
 */
export function endNested(
  detector: LossDetector,
  event: OpenEvent,
  sample: Sample,
  tell: Tell,
): void {
  if (event.nested.length === 0) return;
  const { nested } = event;
  event.nested = [];
  const samples = [...nested, sample];
  if (judgeCandidate(samples, materialLimit(detector, medianOf(event.after))) === 'spike') {
    startAnew(detector, event, samples, tell);
  } else followNested(event, nested, tell);
}

function followNested(event: OpenEvent, nested: readonly Sample[], tell: Tell): void {
  let hasMoved = false;
  for (const held of nested) {
    if (followEvent(event, { ...held, z: zOf(event, held.value) })) hasMoved = true;
  }
  if (hasMoved) tell('updated', event);
}

/** The level that followed the event is the baseline of a new spike. */
function startAnew(detector: LossDetector, event: OpenEvent, samples: Sample[], tell: Tell): void {
  if (event.kind !== 'divergence') event.recovery = 'unrecovered';
  tell('closed', event);
  rebase(detector, windowValues(event.after));
  const baseline = computeBaseline(event.after);
  const before = event.tail.map((sample) => ({ ...sample, z: robustZ(sample.value, baseline) }));
  detector.event = openEvent('loss_spike', baseline, {
    before,
    samples,
    materialLimit: materialLimit(detector, baseline.median),
  });
  tell('opened', detector.event);
}

function giveUp(detector: LossDetector, event: OpenEvent, tell: Tell): void {
  if (event.after.count === 0) {
    // Nothing finite to start from: the divergence goes on.
    event.sampleCount = 0;
    return;
  }
  if (event.kind !== 'divergence') event.recovery = 'unrecovered';
  tell('closed', event);
  rebase(detector, windowValues(event.after));
  detector.event = null;
}

function close(detector: LossDetector, event: OpenEvent, tell: Tell): void {
  if (event.kind === 'divergence') leaveQuietPeak(detector, event);
  const finite = event.tail.filter(({ value }) => Number.isFinite(value));
  detector.event = null;
  detector.recoveredAt = detector.sampleCount - RECOVERY_SAMPLES;
  detector.settling = { event, values: finite.map(({ value }) => value) };
  detector.before = [];
  if (event.baseline === null) {
    for (const point of finite) acceptPoint(detector, point);
  } else {
    detector.before = [...finite];
    detector.aftermath = { baseline: event.baseline, samples: [...finite] };
    endAftermath(detector, detector.aftermath);
  }
  tell('closed', event);
}

/**
 * Of a divergence the quiet losses that end it are no climb: its peak is the highest finite
 * one before they began, null where there is none.
 */
function leaveQuietPeak({ review }: LossDetector, event: OpenEvent): void {
  const { openedStep, recoveredStep, peakStep } = event;
  if (peakStep === null || recoveredStep === null || peakStep < recoveredStep) return;
  event.peakStep = null;
  event.peakValue = null;
  for (const { step, value } of rememberedLosses(review.history)) {
    if (step < openedStep || step >= recoveredStep) continue;
    if (event.peakValue !== null && value <= event.peakValue) continue;
    event.peakStep = step;
    event.peakValue = value;
  }
}

/** Takes a value into the level shift of the event that recovered last. */
export function settle(detector: LossDetector, value: number, tell: Tell): void {
  if (detector.settling === null) return;
  detector.settling.values.push(value);
  if (detector.settling.values.length >= SETTLING_SAMPLES) finishSettling(detector, tell);
}

/** Level shift of the event that recovered last, from what has come since. */
export function finishSettling(detector: LossDetector, tell: Tell): void {
  const { settling } = detector;
  detector.settling = null;
  if (settling === null || settling.values.length < FEWEST_SETTLING_SAMPLES) return;
  const { event, values } = settling;
  if (event.baseline === null) return;
  const after = createMedianWindow(SETTLING_SAMPLES);
  for (const value of values.slice(0, SETTLING_SAMPLES)) pushValue(after, value);
  const level = medianOf(after);
  event.levelShift = level - event.baseline.median;
  if (level > recoveryLimit(event)) event.recovery = 'partial';
  tell('settled', event);
}
