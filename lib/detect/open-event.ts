import {
  ELEVATED_Z,
  type LossEvent,
  type LossEventKind,
  type Point,
  type Recovery,
  type Sample,
  classifyRecovery,
  findClimb,
  onsetLimitOf,
} from './loss-event';
import { type MedianWindow, createMedianWindow, pushValue } from './median-window';
import type { Baseline } from './robust-baseline';

/** The part of a loss event that is still being written. */
export interface OpenEvent {
  kind: LossEventKind;
  openedStep: number;
  onsetStep: number;
  confirmedStep: number;
  riseStep: number;
  peakStep: number | null;
  peakValue: number | null;
  /** null when training had no baseline yet: a divergence during start-up. */
  baseline: Baseline | null;
  /** What a step of the climb lies above; Infinity without a baseline. */
  onsetLimit: number;
  recoveredStep: number | null;
  recovery: Recovery;
  excessArea: number;
  levelShift: number | null;
  isInherited: boolean;
  /** Samples around the opening, in which onset and rise are looked for. */
  climb: Sample[];
  /** The newest samples, at most RECOVERY_SAMPLES: where a recovery may start. */
  tail: Sample[];
  /** The newest finite values since the opening: the baseline if the loss never comes back. */
  after: MedianWindow;
  /** Samples since something stood out against `after`. */
  nested: Sample[];
  sampleCount: number;
  lastStep: number;
}

export const WINDOW = 128;
export const RECOVERY_SAMPLES = 10;
const RECOVERED_NEEDED = 8;
const RETURN_SHARE = 0.03;
/** Samples from the opening in which the climb is looked for; a slower rise keeps its opening. */
const CLIMB_KEPT = 128;

export interface Opening {
  /** The samples just before the first outlier. */
  readonly before: readonly Sample[];
  /** From the first outlier on. */
  readonly samples: readonly Sample[];
  /** What a candidate had to reach to matter. */
  readonly materialLimit: number;
}

export function openEvent(
  kind: LossEventKind,
  baseline: Baseline | null,
  { before, samples, materialLimit }: Opening,
): OpenEvent {
  const [first] = samples;
  const newest = samples.at(-1);
  if (first === undefined || newest === undefined) throw new RangeError('expected a sample');
  const event: OpenEvent = {
    kind,
    openedStep: first.step,
    onsetStep: first.step,
    confirmedStep: newest.step,
    riseStep: first.step,
    peakStep: null,
    peakValue: null,
    baseline,
    onsetLimit: baseline === null ? Infinity : onsetLimitOf(baseline, materialLimit),
    recoveredStep: null,
    recovery: kind === 'divergence' ? 'diverged' : 'open',
    excessArea: 0,
    levelShift: null,
    isInherited: false,
    climb: [...before],
    tail: [],
    after: createMedianWindow(WINDOW),
    nested: [],
    sampleCount: 0,
    lastStep: before.at(-1)?.step ?? first.step - 1,
  };
  for (const sample of samples) followEvent(event, sample);
  return event;
}

/** Takes one more sample into an open event. True when its peak, rise or onset moved. */
export function followEvent(event: OpenEvent, sample: Sample): boolean {
  event.sampleCount++;
  event.tail.push(sample);
  if (event.tail.length > RECOVERY_SAMPLES) {
    const settled = event.tail.shift();
    if (settled !== undefined) addArea(event, settled);
  }
  if (event.climb.length < CLIMB_KEPT) event.climb.push(sample);
  if (!Number.isFinite(sample.value)) return false;
  pushValue(event.after, sample.value);
  if (event.peakValue !== null && sample.value <= event.peakValue) return false;
  event.peakValue = sample.value;
  event.peakStep = sample.step;
  if (event.kind !== 'divergence' && event.baseline !== null) {
    const climb = findClimb(
      event.climb,
      { openedStep: event.openedStep, peakValue: sample.value, onsetLimit: event.onsetLimit },
      event.baseline,
    );
    if (climb !== null) {
      event.onsetStep = climb.onsetStep;
      event.riseStep = climb.riseStep;
    }
  }
  return true;
}

function addArea(event: OpenEvent, { step, value }: Sample): void {
  if (event.baseline !== null && Number.isFinite(value)) {
    event.excessArea += (value - event.baseline.median) * (step - event.lastStep);
  }
  event.lastStep = step;
}

/** Of an event whose samples are all its own, as an outlier batch's are. */
export function settleArea(event: OpenEvent): void {
  for (const sample of event.tail) addArea(event, sample);
  event.tail = [];
}

/**
 * Below this the loss is back: z under 3, or 3 % of the climb above the old level. On a
 * flat, memorised loss z < 3 is a matter of the third decimal of a spike a hundred times as
 * high, and comes hundreds of steps after every reader calls the spike over.
 */
export function recoveryLimit({ baseline, peakValue }: OpenEvent): number {
  if (baseline === null) return Infinity;
  const climb = peakValue === null ? 0 : peakValue - baseline.median;
  return baseline.median + Math.max(ELEVATED_Z * baseline.scale, RETURN_SHARE * climb);
}

/**
 * Whether the oldest sample of the tail starts a recovery: back below the limit, and with
 * it at least 8 of the 10. Marks the event and returns true when it does.
 */
export function recoverEvent(event: OpenEvent): boolean {
  const limit = recoveryLimit(event);
  const [first] = event.tail;
  if (first === undefined || !isBack(event.tail, limit) || hasPeakFrom(event, first)) return false;
  event.recoveredStep = first.step;
  event.recovery = classifyRecovery(event.onsetStep, first.step);
  return true;
}

/**
 * Whether the event's highest loss is `first` or came after it: one or two of ten may be
 * high, and a new peak raises the limit that those before it are held against. What lies
 * within the scatter, as the losses after a NaN do, is no peak.
 */
function hasPeakFrom({ baseline, peakStep, peakValue }: OpenEvent, first: Point): boolean {
  if (baseline === null || peakStep === null || peakValue === null) return false;
  return peakStep >= first.step && peakValue >= baseline.median + ELEVATED_Z * baseline.scale;
}

/** Whether the last ten samples begin below `limit` and at least 8 of them lie there. */
export function isBack(samples: readonly Point[], limit: number): boolean {
  const newest = samples.slice(-RECOVERY_SAMPLES);
  const [first] = newest;
  if (first === undefined || newest.length < RECOVERY_SAMPLES || !(first.value < limit)) {
    return false;
  }
  return newest.filter(({ value }) => value < limit).length >= RECOVERED_NEEDED;
}

export function toLossEvent(event: OpenEvent): LossEvent {
  const { kind, openedStep, onsetStep, confirmedStep, riseStep, peakStep, peakValue } = event;
  const { recoveredStep, recovery, excessArea, levelShift, isInherited } = event;
  return {
    kind,
    openedStep,
    onsetStep,
    confirmedStep,
    riseStep,
    peakStep,
    peakValue,
    baseline: event.baseline?.median ?? null,
    scale: event.baseline?.scale ?? null,
    onsetLimit: event.baseline === null || kind === 'divergence' ? null : event.onsetLimit,
    recoveredStep,
    recovery,
    excessArea,
    levelShift,
    isInherited,
  };
}
