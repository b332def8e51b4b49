/**
 * Looks at each loss event once more when 128 quiet losses have followed it, or when the run
 * ends before that. Works on the losses that are remembered, so it is found again after a
 * restart like everything else.
 */
import type { LossEvent, LossUpdate, Point, Reevaluation } from './loss-event';
import { type LossHistory, createLossHistory, rememberedLosses } from './loss-history';
import { MARGIN, SIDE, reevaluateEvent } from './reevaluate-event';

export interface LossReview {
  readonly history: LossHistory;
  /** Steps of events that are over, as far back as losses are remembered. */
  spans: Span[];
  /** Events that wait for what follows them, in the order of their end. */
  awaited: AwaitedEvent[];
}

/** Steps `fromStep`…`toStep` − 1 of the event that opened at `openedStep`. */
export interface Span {
  readonly openedStep: number;
  readonly fromStep: number;
  readonly toStep: number;
}

export interface AwaitedEvent {
  readonly event: LossEvent;
  /** First step that is no more part of the event. */
  readonly endStep: number;
  /** Losses since the event, and those of them in no other event. */
  samples: number;
  quietSamples: number;
}

/** Where events follow each other the quiet losses may never come; then those there are must do. */
const LONGEST_WAIT = 512;

export function createLossReview(): LossReview {
  return { history: createLossHistory(), spans: [], awaited: [] };
}

/** First step that is no more part of an event which `updates`, made on `step`, say is over. */
export function endStepOf(
  { recoveredStep }: LossEvent,
  updates: readonly LossUpdate[],
  step: number,
): number {
  if (recoveredStep !== null) return recoveredStep;
  const next = updates.find(({ phase, event }) => phase === 'opened' && isOngoing(event));
  return next === undefined ? step + 1 : next.event.onsetStep;
}

function isOngoing({ kind, recoveredStep }: LossEvent): boolean {
  return kind !== 'outlier_batch' && recoveredStep === null;
}

/** Whether an update says that its event is over. */
export function isOver({ phase, event }: LossUpdate): boolean {
  return phase === 'closed' || phase === 'settled' || event.kind === 'outlier_batch';
}

/** Takes in what the detector said on a step. */
export function noteUpdates(
  review: LossReview,
  updates: readonly LossUpdate[],
  step: number,
): void {
  for (const update of updates) {
    const { event } = update;
    const { openedStep, onsetStep } = event;
    review.spans = review.spans.filter((span) => span.openedStep !== openedStep);
    const before = review.awaited.find((awaited) => isSame(awaited.event, event));
    review.awaited = review.awaited.filter((awaited) => awaited !== before);
    // Not over, or flared up again.
    if (!isOver(update)) continue;
    const endStep = endStepOf(event, updates, step);
    review.spans.push({ openedStep, fromStep: onsetStep, toStep: endStep });
    if (event.kind === 'divergence') continue;
    const hasMoved = before?.endStep !== endStep;
    const { samples, quietSamples } =
      before === undefined || hasMoved ? { samples: 0, quietSamples: 0 } : before;
    review.awaited.push({ event, endStep, samples, quietSamples });
  }
}

function isSame(a: LossEvent, b: LossEvent): boolean {
  return a.kind === b.kind && a.openedStep === b.openedStep;
}

export interface ReviewedEvent {
  readonly event: LossEvent;
  readonly reevaluation: Reevaluation;
}

/** Counts a loss towards what is waited for; returns the events whose time has come. */
export function reviewDue(
  review: LossReview,
  { isQuiet, disturbedFrom }: { isQuiet: boolean; disturbedFrom: number },
): ReviewedEvent[] {
  let isDue = false;
  for (const awaited of review.awaited) {
    awaited.samples++;
    if (isQuiet) awaited.quietSamples++;
    isDue ||= isReady(awaited);
  }
  if (!isDue) return [];
  const due = review.awaited.filter(isReady);
  review.awaited = review.awaited.filter((awaited) => !isReady(awaited));
  return reviewEvents(review, due, disturbedFrom);
}

/** Of a run that has ended: what is awaited, by what there is. It stays awaited, should the run go on. */
export function reviewAwaited(review: LossReview, disturbedFrom: number): ReviewedEvent[] {
  return review.awaited.length === 0 ? [] : reviewEvents(review, review.awaited, disturbedFrom);
}

function isReady({ samples, quietSamples }: AwaitedEvent): boolean {
  return quietSamples >= SIDE + MARGIN || samples >= LONGEST_WAIT;
}

function reviewEvents(
  review: LossReview,
  awaited: readonly AwaitedEvent[],
  disturbedFrom: number,
): ReviewedEvent[] {
  const points = rememberedLosses(review.history);
  const oldest = points[0]?.step ?? 0;
  const spans = review.spans.filter(({ toStep }) => toStep > oldest);
  const isQuiet = ({ step }: Point): boolean =>
    step < disturbedFrom &&
    !spans.some(({ fromStep, toStep }) => step >= fromStep && step < toStep);
  const reviewed = awaited.flatMap(({ event, endStep }) => {
    const reevaluation = reevaluateEvent(event, endStep, { points, isQuiet });
    return reevaluation === null ? [] : [{ event, reevaluation }];
  });
  review.spans = spans;
  return reviewed;
}
