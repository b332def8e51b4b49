/**
 * What the detector's second looks, which it takes as losses follow, are checked against: every
 * event of a series that is there whole, dated and measured from both sides.
 */
import { observeLoss } from '@/lib/detect/loss-detector';
import type { LossEvent, LossUpdate, Point, Reevaluation } from '@/lib/detect/loss-event';
import { endStepOf, isOver } from '@/lib/detect/loss-review';
import { createLossDetector } from '@/lib/detect/loss-state';
import { reevaluateEvent } from '@/lib/detect/reevaluate-event';

interface LossSeries {
  /** Ascending. */
  readonly steps: ArrayLike<number>;
  readonly losses: ArrayLike<number>;
  /** Left out where the run posted none. */
  readonly learningRates?: ArrayLike<number>;
}

interface FoundEvent {
  readonly event: LossEvent;
  /** First step that is no more part of it; Infinity while it is open. */
  readonly endStep: number;
}

/**
 * The events of a whole series, in order of onset, each with what was found on the second
 * look; what does not stand out then is left out.
 *
 * Empty    no events
 * NaN/Inf  divergences, which need no baseline, are returned as found
 * Cost     the online detector's, and O(length of event + 256) an event
 */
export function reevaluateLosses(series: LossSeries): LossEvent[] {
  return reviewLosses(series)
    .filter(({ reevaluation }) => reevaluation?.standsOut !== false)
    .map(({ event, reevaluation }) => (reevaluation === null ? event : refine(event, reevaluation)))
    .sort((a, b) => a.onsetStep - b.onsetStep);
}

interface ReviewedLoss {
  readonly event: LossEvent;
  /** null where there was too little before the event, and for divergences. */
  readonly reevaluation: Reevaluation | null;
}

/** The last word of the online detector on each event of a whole series, and the second look. */
export function reviewLosses(series: LossSeries): ReviewedLoss[] {
  const found = detectAll(series);
  const points = measuredPoints(series);
  const isQuiet = ({ step }: Point): boolean =>
    !found.some(({ event, endStep }) => step >= event.onsetStep && step < endStep);
  return found.map(({ event, endStep }) => ({
    event,
    reevaluation: reevaluateEvent(event, endStep, { points, isQuiet }),
  }));
}

function refine(event: LossEvent, reevaluation: Reevaluation): LossEvent {
  const { onsetStep, riseStep, peakStep, peakValue, baseline, recovery, excessArea, levelShift } =
    reevaluation;
  return {
    ...event,
    ...{ onsetStep, riseStep, peakStep, peakValue, baseline, recovery, excessArea, levelShift },
  };
}

function detectAll({ steps, losses, learningRates }: LossSeries): FoundEvent[] {
  const detector = createLossDetector();
  const byOpening = new Map<string, FoundEvent>();
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i] ?? 0;
    const updates = observeLoss(detector, {
      step,
      loss: losses[i] ?? null,
      learningRate: learningRates?.[i] ?? null,
    }).filter(({ phase }) => phase !== 'reevaluated');
    for (const update of updates) byOpening.set(keyOf(update), found(update, updates, step));
  }
  return Array.from(byOpening.values());
}

function keyOf({ event: { kind, openedStep } }: LossUpdate): string {
  return `${kind} ${openedStep}`;
}

function found(update: LossUpdate, updates: readonly LossUpdate[], step: number): FoundEvent {
  const { event } = update;
  return { event, endStep: isOver(update) ? endStepOf(event, updates, step) : Infinity };
}

function measuredPoints({ steps, losses }: LossSeries): Point[] {
  const points: Point[] = [];
  for (let i = 0; i < steps.length; i++) {
    const value = losses[i] ?? NaN;
    if (Number.isFinite(value) && value !== 0) points.push({ step: steps[i] ?? 0, value });
  }
  return points;
}
