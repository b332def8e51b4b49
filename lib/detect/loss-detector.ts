/**
 * The online detector of one loss series. A sample goes this way:
 *
 *   filter (was it measured?) ▶ open event, if there is one ▶ candidate, if there is one
 *   ▶ z against the baseline ▶ baseline
 *
 * z ≥ 6 opens a candidate and freezes the baseline; within 5 samples it is a spike (3 of
 * them at z ≥ 3) or an outlier batch. What is not finite is a divergence at once. Windows
 * count samples, so that a loss logged every k steps is watched the same way; events are
 * in steps.
 */
import { ELEVATED_Z, OUTLIER_Z, type LossUpdate, type Sample, judgeCandidate } from './loss-event';
import { type Tell, continueEvent, endNested, finishSettling, settle } from './loss-follow';
import { rememberLoss } from './loss-history';
import { type ReviewedEvent, noteUpdates, reviewAwaited, reviewDue } from './loss-review';
import {
  type LossDetector,
  SAMPLES_NEEDED,
  acceptPoint,
  currentBaseline,
  disturbedFrom,
  isExempt,
  isIdle,
  isUsual,
  judgingBaseline,
  materialLimit,
} from './loss-state';
import { followEvent, openEvent, settleArea, toLossEvent } from './open-event';
import { type Baseline, robustZ } from './robust-baseline';
import { isMeasuredLoss } from './sample-filter';
import { observeLearningRate } from './warm-up';

export interface LossObservation {
  readonly step: number;
  /** null or a sentinel where the step logged none; NaN and ±Infinity are measurements. */
  readonly loss: number | null;
  readonly learningRate: number | null;
}

const MERGE_SAMPLES = 10;
/** Larger than any loss in float32: stored values beyond it would be Infinity. */
const LARGEST_LOSS = 3e38;
const NOTHING: readonly LossUpdate[] = [];

/**
 * Takes in one step; steps ascend. Changes `detector` and returns what became known.
 */
export function observeLoss(
  detector: LossDetector,
  { step, loss, learningRate }: LossObservation,
): readonly LossUpdate[] {
  observeLearningRate(detector.warmUp, learningRate);
  if (loss === null) return NOTHING;
  const value = Math.abs(loss) > LARGEST_LOSS ? Infinity : loss;
  const isFinite = Number.isFinite(value);
  if (isFinite && !isMeasuredLoss(detector.filter, value)) return NOTHING;
  detector.sampleCount++;
  if (isFinite) rememberLoss(detector.review.history, step, value);
  const isPlain = isFinite && isIdle(detector) && (isExempt(detector) || isUsual(detector, value));
  if (isPlain) {
    acceptPoint(detector, { step, value });
    return detector.review.awaited.length === 0 ? NOTHING : review(detector);
  }
  const updates: LossUpdate[] = [];
  const tell: Tell = (phase, event) => {
    updates.push({ phase, event: toLossEvent(event), reevaluation: null });
  };
  if (!isFinite) diverge(detector, step, value, tell);
  else if (detector.event !== null) continueEvent(detector, detector.event, { step, value }, tell);
  else watch(detector, step, value, tell);
  if (updates.length > 0) noteUpdates(detector.review, updates, step);
  return isFinite ? [...updates, ...review(detector)] : updates;
}

/** The events whose second look is due. */
function review(detector: LossDetector): LossUpdate[] {
  const from = disturbedFrom(detector);
  const mood = { isQuiet: from === Infinity, disturbedFrom: from };
  return reviewDue(detector.review, mood).map(toUpdate);
}

/** At the end of a run: a second look at the events that still wait for what follows them. */
export function concludeLosses(detector: LossDetector): LossUpdate[] {
  return reviewAwaited(detector.review, disturbedFrom(detector)).map(toUpdate);
}

function toUpdate({ event, reevaluation }: ReviewedEvent): LossUpdate {
  return { phase: 'reevaluated', event, reevaluation };
}

function watch(detector: LossDetector, step: number, value: number, tell: Tell): void {
  settle(detector, value, tell);
  if (isExempt(detector)) {
    acceptPoint(detector, { step, value });
    return;
  }
  const baseline = (detector.frozen ??= judgingBaseline(detector));
  const sample = { step, value, z: robustZ(value, baseline) };
  if (detector.candidate.length === 0 && sample.z < OUTLIER_Z) {
    detector.frozen = null;
    acceptPoint(detector, sample);
    return;
  }
  detector.candidate.push(sample);
  switch (judgeCandidate(detector.candidate, materialLimit(detector, baseline.median))) {
    case 'pending':
      return;
    case 'spike':
      confirmSpike(detector, baseline, tell);
      return;
    case 'outlier':
      closeOutlier(detector, baseline, tell);
      return;
    case 'ripple':
      for (const held of takeCandidate(detector)) acceptPoint(detector, held);
  }
}

function takeCandidate(detector: LossDetector): Sample[] {
  const samples = detector.candidate;
  detector.candidate = [];
  detector.frozen = null;
  return samples;
}

/** The samples just before, with the z that the frozen baseline gives them. */
function samplesBefore({ before }: LossDetector, baseline: Baseline): Sample[] {
  return before.map(({ step, value }) => ({ step, value, z: robustZ(value, baseline) }));
}

function confirmSpike(detector: LossDetector, baseline: Baseline, tell: Tell): void {
  const { settling, recoveredAt } = detector;
  const samples = takeCandidate(detector);
  const before = samplesBefore(detector, baseline);
  // The climb may have begun before the first sample at z ≥ 6.
  const climbing = before.length - 1 - before.findLastIndex(({ z }) => z < ELEVATED_Z);
  const startedAt = detector.sampleCount - samples.length - climbing;
  const isFlare = recoveredAt !== null && startedAt - recoveredAt < MERGE_SAMPLES;
  detector.aftermath = null;
  if (settling !== null && isFlare) {
    // The same event flaring up again: it was not over.
    const { event } = settling;
    event.recoveredStep = null;
    event.recovery = event.kind === 'divergence' ? 'diverged' : 'open';
    for (const sample of samples) followEvent(event, sample);
    detector.settling = null;
    detector.event = event;
    tell('updated', event);
    return;
  }
  finishSettling(detector, tell);
  detector.event = openEvent('loss_spike', baseline, {
    before,
    samples,
    materialLimit: materialLimit(detector, baseline.median),
  });
  detector.before = [];
  tell('opened', detector.event);
}

function closeOutlier(detector: LossDetector, baseline: Baseline, tell: Tell): void {
  const samples = takeCandidate(detector);
  const { lastOutlier } = detector;
  const before = samplesBefore(detector, baseline);
  const lastIndex = samples.findLastIndex(({ z }) => z >= OUTLIER_Z);
  const outliers = samples.slice(0, lastIndex + 1);
  const startedAt = detector.sampleCount - samples.length;
  const isMerged = lastOutlier !== null && startedAt - lastOutlier.endedAt < MERGE_SAMPLES;
  const event = isMerged
    ? lastOutlier.event
    : openEvent('outlier_batch', baseline, {
        before,
        samples: outliers,
        materialLimit: materialLimit(detector, baseline.median),
      });
  if (isMerged) {
    // Between two outliers the loss was as usual.
    event.lastStep = before.at(-1)?.step ?? event.lastStep;
    for (const sample of outliers) followEvent(event, sample);
  } else event.confirmedStep = samples.at(-1)?.step ?? event.confirmedStep;
  event.recoveredStep = samples[lastIndex + 1]?.step ?? null;
  event.recovery = 'fast';
  settleArea(event);
  detector.lastOutlier = { event, endedAt: startedAt + lastIndex };
  // The outliers too: the median does not mind, and where they recur the scale must learn.
  for (const sample of samples) acceptPoint(detector, sample);
  tell(isMerged ? 'updated' : 'opened', event);
}

function diverge(detector: LossDetector, step: number, value: number, tell: Tell): void {
  const sample = { step, value, z: Infinity };
  if (detector.candidate.length > 0 && detector.frozen !== null) {
    detector.candidate.push(sample);
    const baseline = detector.frozen;
    const limit = materialLimit(detector, baseline.median);
    if (judgeCandidate(detector.candidate, limit) === 'spike') {
      confirmSpike(detector, baseline, tell);
    } else takeCandidate(detector);
  }
  if (detector.event !== null) endNested(detector, detector.event, sample, tell);
  const { event } = detector;
  if (event?.kind === 'divergence') {
    followEvent(event, sample);
    return;
  }
  if (event !== null) {
    event.recovery = 'diverged';
    tell('closed', event);
  }
  finishSettling(detector, tell);
  detector.aftermath = null;
  const hasBaseline = detector.window.count >= SAMPLES_NEEDED;
  const baseline = event?.baseline ?? (hasBaseline ? currentBaseline(detector) : null);
  detector.event = openEvent('divergence', baseline, {
    before: [],
    samples: [sample],
    materialLimit: Infinity,
  });
  detector.before = [];
  tell('opened', detector.event);
}
