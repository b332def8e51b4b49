import { ELEVATED_Z, OUTLIER_Z, type Point, type Sample } from './loss-event';
import { type LossReview, createLossReview } from './loss-review';
import { type MedianWindow, createMedianWindow, medianOf, pushValue } from './median-window';
import { type OpenEvent, RECOVERY_SAMPLES, WINDOW, isBack, recoveryLimit } from './open-event';
import { type Baseline, computeBaseline, isBeyond } from './robust-baseline';
import { type SampleFilter, createSampleFilter } from './sample-filter';
import { type WarmUp, createWarmUp, isWarmingUp } from './warm-up';

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
  before: Point[];
  /** The baseline that a candidate is judged by. */
  frozen: Baseline | null;
  candidate: Sample[];
  event: OpenEvent | null;
  /** A recovered event whose level shift is not known yet, and the values since. */
  settling: { event: OpenEvent; values: number[] } | null;
  /** Samples since a recovery to near the old level, until they or it serve as baseline. */
  aftermath: { baseline: Baseline; samples: Point[] } | null;
  /** Sample count at the last recovery; null before the first. */
  recoveredAt: number | null;
  /** The newest outlier batch, and the sample count at its last outlier. */
  lastOutlier: { event: OpenEvent; endedAt: number } | null;
  readonly review: LossReview;
}

const RECENT = 32;
/** Half the window: enough for a MAD, and an outlier batch at step 150 of a run still counts. */
export const SAMPLES_NEEDED = 64;
/** A warm-up exempts no longer than this (Wortsman et al. ignore the first 1,000 steps). */
const LONGEST_EXEMPTION = 1000;
const MATERIAL_DESCENT = 0.005;
const MATERIAL_LEVEL = 0.5;
/** Values whose median is called the start of training. */
const START_SAMPLES = 16;

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
    review: createLossReview(),
  };
}

/** Whether an event or a candidate is open: layers' baselines hold still then. */
export function isLossDisturbed({ event, candidate }: LossDetector): boolean {
  return event !== null || candidate.length > 0;
}

/** First step of what is open or not judged yet; Infinity while nothing is. */
export function disturbedFrom({ event, candidate }: LossDetector): number {
  return event?.onsetStep ?? candidate[0]?.step ?? Infinity;
}

/** Until 64 values are in and the warm-up is over nothing is judged; the window fills meanwhile. */
export function isExempt({ window, warmUp, sampleCount }: LossDetector): boolean {
  if (window.count < SAMPLES_NEEDED) return true;
  return isWarmingUp(warmUp) && sampleCount < LONGEST_EXEMPTION;
}

/** Whether nothing is going on that a value as usual would have to be told to. */
export function isIdle({ event, candidate, settling, aftermath }: LossDetector): boolean {
  return event === null && candidate.length === 0 && settling === null && aftermath === null;
}

/** Whether a value stands out of neither window. */
export function isUsual({ window, recent }: LossDetector, value: number): boolean {
  return !isBeyond(recent, value, OUTLIER_Z) && !isBeyond(window, value, OUTLIER_Z);
}

export function currentBaseline({ window, recent }: LossDetector): Baseline {
  const baseline = computeBaseline(window);
  const newest = computeBaseline(recent);
  // A loss that falls out of its own window would hide a spike below the old level.
  return newest.median + ELEVATED_Z * newest.scale < baseline.median ? newest : baseline;
}

/** In an aftermath what counts is whether the loss climbs again beyond where it had come back to. */
export function judgingBaseline(detector: LossDetector): Baseline {
  const { aftermath, settling } = detector;
  if (aftermath === null || settling === null) return currentBaseline(detector);
  const { median } = aftermath.baseline;
  return { median, scale: (recoveryLimit(settling.event) - median) / ELEVATED_Z };
}

/**
 * What a value must reach to matter to a reader, beside its z: half a percent of the way
 * that training has come, or half the level again, whichever is less. Free of units, and 0
 * above the level where training has not come any way.
 */
export function materialLimit({ startLevel }: LossDetector, level: number): number {
  const descent = startLevel === null ? 0 : Math.max(0, startLevel - level);
  return level + Math.min(MATERIAL_DESCENT * descent, MATERIAL_LEVEL * Math.abs(level));
}

/** Takes a value of no event into the baselines. */
export function acceptPoint(detector: LossDetector, point: Point): void {
  remember(detector, point);
  const { aftermath } = detector;
  if (aftermath === null) {
    pushAccepted(detector, point.value);
    return;
  }
  aftermath.samples.push(point);
  endAftermath(detector, aftermath);
}

function pushAccepted(detector: LossDetector, value: number): void {
  pushValue(detector.window, value);
  pushValue(detector.recent, value);
  if (detector.startLevel === null && detector.window.count === START_SAMPLES) {
    detector.startLevel = medianOf(detector.window);
  }
}

/**
 * After a recovery to near the old level, the baseline is the old one once the loss is
 * within its scatter, or what came since, once that is enough.
 */
export function endAftermath(
  detector: LossDetector,
  { baseline, samples }: { baseline: Baseline; samples: readonly Point[] },
): void {
  if (isBack(samples, baseline.median + ELEVATED_Z * baseline.scale)) {
    for (const { value } of samples.slice(-RECOVERY_SAMPLES)) pushAccepted(detector, value);
  } else if (samples.length >= SAMPLES_NEEDED) {
    rebase(
      detector,
      samples.map(({ value }) => value),
    );
  } else return;
  detector.aftermath = null;
}

function remember(detector: LossDetector, point: Point): void {
  detector.before.push(point);
  if (detector.before.length > RECOVERY_SAMPLES) detector.before.shift();
}

/** What came after an event is training as usual from here on. */
export function rebase(detector: LossDetector, values: readonly number[]): void {
  detector.window = createMedianWindow(WINDOW);
  detector.recent = createMedianWindow(RECENT);
  for (const value of values.slice(-WINDOW)) pushAccepted(detector, value);
}
