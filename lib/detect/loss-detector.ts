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
import {
  ELEVATED_Z,
  type LossUpdate,
  type LossUpdatePhase,
  OUTLIER_Z,
  type Sample,
  judgeCandidate,
} from './loss-event';
import {
  type MedianWindow,
  createMedianWindow,
  medianOf,
  pushValue,
  windowValues,
} from './median-window';
import {
  type OpenEvent,
  RECOVERY_SAMPLES,
  WINDOW,
  followEvent,
  isBack,
  openEvent,
  recoverEvent,
  recoveryLimit,
  toLossEvent,
} from './open-event';
import { type Baseline, computeBaseline, robustZ } from './robust-baseline';
import { type SampleFilter, createSampleFilter, isMeasuredLoss } from './sample-filter';
import { type WarmUp, createWarmUp, isWarmingUp, observeLearningRate } from './warm-up';

export interface LossDetector {
  readonly filter: SampleFilter;
  readonly warmUp: WarmUp;
  /** Accepted values: those of no event. */
  window: MedianWindow;
  /** The newest of them, for a loss that falls faster than `window` forgets. */
  recent: MedianWindow;
  /** Where training began: the median of its first values; null until they have come. */
  startLevel: number | null;
  /** Measured values so far, non-finite ones included. */
  sampleCount: number;
  /** Newest samples outside events, at most RECOVERY_SAMPLES. */
  before: Sample[];
  /** The baseline that a candidate is judged by. */
  frozen: Baseline | null;
  candidate: Sample[];
  event: OpenEvent | null;
  /** A recovered event whose level shift is not known yet, and the values since. */
  settling: { event: OpenEvent; values: number[] } | null;
  /** Samples since a recovery to near the old level, until they or it serve as baseline. */
  aftermath: { baseline: Baseline; samples: Sample[] } | null;
  /** Sample count at the last recovery; null before the first. */
  recoveredAt: number | null;
  /** The newest outlier batch, and the sample count at its last outlier. */
  lastOutlier: { event: OpenEvent; endedAt: number } | null;
}

export interface LossObservation {
  readonly step: number;
  /** null or a sentinel where the step logged none; NaN and ±Infinity are measurements. */
  readonly loss: number | null;
  readonly learningRate: number | null;
}

const RECENT = 32;
/** Half the window: enough for a MAD, and an outlier batch at step 150 of a run still counts. */
const SAMPLES_NEEDED = 64;
/** A warm-up exempts no longer than this (Wortsman et al. ignore the first 1,000 steps). */
const LONGEST_EXEMPTION = 1000;
const GIVE_UP_SAMPLES = 1000;
const MERGE_SAMPLES = 10;
const SETTLING_SAMPLES = 100;
const FEWEST_SETTLING_SAMPLES = 20;
const MATERIAL_DESCENT = 0.005;
const MATERIAL_LEVEL = 0.5;
/** Values whose median is called the start of training. */
const START_SAMPLES = 16;
/** Larger than any loss in float32: stored values beyond it would be Infinity. */
const LARGEST_LOSS = 3e38;

export function createLossDetector(): LossDetector {
  return {
    filter: createSampleFilter(),
    warmUp: createWarmUp(),
    window: createMedianWindow(WINDOW),
    recent: createMedianWindow(RECENT),
    startLevel: null,
    sampleCount: 0,
    before: [],
    frozen: null,
    candidate: [],
    event: null,
    settling: null,
    aftermath: null,
    recoveredAt: null,
    lastOutlier: null,
  };
}

/** Whether an event or a candidate is open: layers' baselines hold still then. */
export function isLossDisturbed({ event, candidate }: LossDetector): boolean {
  return event !== null || candidate.length > 0;
}

/**
 * Takes in one step; steps ascend. Changes `detector` and returns what became known.
 *
 * Cost  0.3 µs a sample while nothing happens
 */
export function observeLoss(
  detector: LossDetector,
  { step, loss, learningRate }: LossObservation,
): LossUpdate[] {
  observeLearningRate(detector.warmUp, learningRate);
  if (loss === null) return [];
  const value = Math.abs(loss) > LARGEST_LOSS ? Infinity : loss;
  if (Number.isFinite(value) && !isMeasuredLoss(detector.filter, value)) return [];
  detector.sampleCount++;
  const updates: LossUpdate[] = [];
  const tell = (phase: LossUpdatePhase, event: OpenEvent): void => {
    updates.push({ phase, event: toLossEvent(event) });
  };
  if (!Number.isFinite(value)) diverge(detector, step, value, tell);
  else if (detector.event !== null) continueEvent(detector, detector.event, step, value, tell);
  else watch(detector, step, value, tell);
  return updates;
}

type Tell = (phase: LossUpdatePhase, event: OpenEvent) => void;

function currentBaseline({ window, recent }: LossDetector): Baseline {
  const baseline = computeBaseline(window);
  const newest = computeBaseline(recent);
  // A loss that falls out of its own window would hide a spike below the old level.
  return newest.median + ELEVATED_Z * newest.scale < baseline.median ? newest : baseline;
}

/** In an aftermath what counts is whether the loss climbs again beyond where it had come back to. */
function frozenBaseline(detector: LossDetector): Baseline {
  const { aftermath, settling } = detector;
  if (aftermath === null || settling === null) return currentBaseline(detector);
  const { median } = aftermath.baseline;
  return { median, scale: (recoveryLimit(settling.event) - median) / ELEVATED_Z };
}

function isExempt({ window, warmUp, sampleCount }: LossDetector): boolean {
  if (window.count < SAMPLES_NEEDED) return true;
  return isWarmingUp(warmUp) && sampleCount < LONGEST_EXEMPTION;
}

function accept(detector: LossDetector, value: number): void {
  pushValue(detector.window, value);
  pushValue(detector.recent, value);
  if (detector.startLevel === null && detector.window.count === START_SAMPLES) {
    detector.startLevel = medianOf(detector.window);
  }
}

function acceptSample(detector: LossDetector, sample: Sample): void {
  remember(detector, sample);
  const { aftermath } = detector;
  if (aftermath === null) {
    accept(detector, sample.value);
    return;
  }
  aftermath.samples.push(sample);
  endAftermath(detector, aftermath);
}

/**
 * After a recovery to near the old level, the baseline is the old one once the loss is
 * within its scatter, or what came since, once that is enough.
 */
function endAftermath(
  detector: LossDetector,
  { baseline, samples }: { baseline: Baseline; samples: readonly Sample[] },
): void {
  if (isBack(samples, baseline.median + ELEVATED_Z * baseline.scale)) {
    for (const { value } of samples.slice(-RECOVERY_SAMPLES)) accept(detector, value);
  } else if (samples.length >= SAMPLES_NEEDED) {
    rebase(
      detector,
      samples.map(({ value }) => value),
    );
  } else return;
  detector.aftermath = null;
}

function remember(detector: LossDetector, sample: Sample): void {
  detector.before.push(sample);
  if (detector.before.length > RECOVERY_SAMPLES) detector.before.shift();
}

function watch(detector: LossDetector, step: number, value: number, tell: Tell): void {
  if (isExempt(detector)) {
    accept(detector, value);
    remember(detector, { step, value, z: 0 });
    return;
  }
  const frozen = (detector.frozen ??= frozenBaseline(detector));
  const sample = { step, value, z: robustZ(value, frozen) };
  settle(detector, value, tell);
  if (detector.candidate.length === 0 && sample.z < OUTLIER_Z) {
    detector.frozen = null;
    acceptSample(detector, sample);
    return;
  }
  detector.candidate.push(sample);
  switch (judgeCandidate(detector.candidate, materialLimit(detector, frozen.median))) {
    case 'pending':
      return;
    case 'spike':
      confirmSpike(detector, frozen, tell);
      return;
    case 'outlier':
      closeOutlier(detector, frozen, tell);
      return;
    case 'ripple':
      for (const held of takeCandidate(detector)) acceptSample(detector, held);
  }
}

/**
 * What a value must reach to matter to a reader, beside its z: half a percent of the way
 * that training has come, or half the level again, whichever is less. Free of units, and 0
 * above the level where training has not come any way.
 */
function materialLimit({ startLevel }: LossDetector, level: number): number {
  const descent = startLevel === null ? 0 : Math.max(0, startLevel - level);
  return level + Math.min(MATERIAL_DESCENT * descent, MATERIAL_LEVEL * Math.abs(level));
}

function takeCandidate(detector: LossDetector): Sample[] {
  const samples = detector.candidate;
  detector.candidate = [];
  detector.frozen = null;
  return samples;
}

function confirmSpike(detector: LossDetector, baseline: Baseline, tell: Tell): void {
  const { settling, recoveredAt } = detector;
  const samples = takeCandidate(detector);
  const distance =
    recoveredAt === null ? Infinity : detector.sampleCount - samples.length - recoveredAt;
  if (settling !== null && distance < MERGE_SAMPLES) {
    // The same event flaring up again: it was not over.
    const { event } = settling;
    event.recoveredStep = null;
    event.recovery = event.kind === 'divergence' ? 'diverged' : 'open';
    for (const sample of samples) followEvent(event, sample);
    detector.settling = null;
    detector.aftermath = null;
    detector.event = event;
    tell('updated', event);
    return;
  }
  finishSettling(detector, tell);
  detector.aftermath = null;
  detector.event = openEvent('loss_spike', baseline, { before: detector.before, samples });
  detector.before = [];
  tell('opened', detector.event);
}

function closeOutlier(detector: LossDetector, baseline: Baseline, tell: Tell): void {
  const samples = takeCandidate(detector);
  const { lastOutlier, before } = detector;
  for (const sample of samples) {
    if (sample.z < OUTLIER_Z) acceptSample(detector, sample);
  }
  const lastIndex = samples.findLastIndex(({ z }) => z >= OUTLIER_Z);
  const outliers = samples.slice(0, lastIndex + 1);
  const endedAt = detector.sampleCount - samples.length + lastIndex;
  const startedAt = detector.sampleCount - samples.length;
  const isMerged = lastOutlier !== null && startedAt - lastOutlier.endedAt < MERGE_SAMPLES;
  const event = isMerged
    ? lastOutlier.event
    : openEvent('outlier_batch', baseline, { before, samples: outliers });
  if (isMerged) for (const sample of outliers) followEvent(event, sample);
  event.confirmedStep = isMerged ? event.confirmedStep : (samples.at(-1)?.step ?? 0);
  event.recoveredStep = samples[lastIndex + 1]?.step ?? null;
  event.recovery = 'fast';
  detector.lastOutlier = { event, endedAt };
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
  detector.event = openEvent('divergence', baseline, { before: [], samples: [sample] });
  tell('opened', detector.event);
}

function continueEvent(
  detector: LossDetector,
  event: OpenEvent,
  step: number,
  value: number,
  tell: Tell,
): void {
  const z = event.baseline === null ? 0 : robustZ(value, event.baseline);
  const sample = { step, value, z };
  if (isNested(event, sample)) {
    const verdict = judgeCandidate(event.nested, materialLimit(detector, medianOf(event.after)));
    if (verdict === 'pending') return;
    const nested = event.nested;
    event.nested = [];
    if (verdict === 'spike') {
      reopen(detector, event, nested, tell);
      return;
    }
    for (const held of nested) followEvent(event, { ...held, z: zOf(held.value, event) });
  } else if (followEvent(event, sample)) {
    tell('updated', event);
  }
  if (recoverEvent(event)) close(detector, event, tell);
  else if (event.sampleCount >= GIVE_UP_SAMPLES) giveUp(detector, event, tell);
}

function zOf(value: number, { baseline }: OpenEvent): number {
  return baseline === null ? 0 : robustZ(value, baseline);
}

/**
 * A loss that settled on a new level can spike from there, long before the old event is
 * given up. True while the sample belongs to such a candidate.
 */
function isNested(event: OpenEvent, { step, value }: Sample): boolean {
  if (event.nested.length === 0 && event.after.count < SAMPLES_NEEDED) return false;
  const z = robustZ(value, computeBaseline(event.after));
  if (event.nested.length === 0 && z < OUTLIER_Z) return false;
  event.nested.push({ step, value, z });
  return true;
}

function reopen(detector: LossDetector, event: OpenEvent, samples: Sample[], tell: Tell): void {
  if (event.kind !== 'divergence') event.recovery = 'unrecovered';
  tell('closed', event);
  rebase(detector, windowValues(event.after));
  const baseline = computeBaseline(event.after);
  detector.event = openEvent('loss_spike', baseline, { before: event.tail, samples });
  tell('opened', detector.event);
}

function giveUp(detector: LossDetector, event: OpenEvent, tell: Tell): void {
  if (event.kind !== 'divergence') event.recovery = 'unrecovered';
  tell('closed', event);
  if (event.after.count === 0) {
    // Nothing finite to start from: the divergence goes on.
    event.sampleCount = 0;
    return;
  }
  rebase(detector, windowValues(event.after));
  detector.event = null;
}

/** What came after the event is training as usual from here on. */
function rebase(detector: LossDetector, values: readonly number[]): void {
  detector.window = createMedianWindow(WINDOW);
  detector.recent = createMedianWindow(RECENT);
  for (const value of values.slice(-WINDOW)) accept(detector, value);
}

function close(detector: LossDetector, event: OpenEvent, tell: Tell): void {
  const finite = event.tail.filter(({ value }) => Number.isFinite(value));
  detector.event = null;
  detector.recoveredAt = detector.sampleCount - RECOVERY_SAMPLES;
  detector.settling = { event, values: finite.map(({ value }) => value) };
  detector.before = finite;
  if (event.baseline === null) {
    for (const { value } of finite) accept(detector, value);
  } else {
    detector.aftermath = { baseline: event.baseline, samples: [...finite] };
    endAftermath(detector, detector.aftermath);
  }
  tell('closed', event);
}

function settle(detector: LossDetector, value: number, tell: Tell): void {
  if (detector.settling === null) return;
  detector.settling.values.push(value);
  if (detector.settling.values.length >= SETTLING_SAMPLES) finishSettling(detector, tell);
}

/** Level shift of the event that recovered last, from what has come since. */
function finishSettling(detector: LossDetector, tell: Tell): void {
  const { settling } = detector;
  detector.settling = null;
  if (settling === null || settling.values.length < FEWEST_SETTLING_SAMPLES) return;
  const { event, values } = settling;
  if (event.baseline === null) return;
  const after = createMedianWindow(SETTLING_SAMPLES);
  for (const value of values.slice(0, SETTLING_SAMPLES)) pushValue(after, value);
  event.levelShift = medianOf(after) - event.baseline.median;
  if (medianOf(after) > recoveryLimit(event)) event.recovery = 'partial';
  tell('settled', event);
}
