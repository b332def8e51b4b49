import { isWallTime } from '../../contract/wall-time';
import type { SeriesColumns } from '../timelines/timeline-series';

/** When each step was: knots that rise strictly in both, straight lines between them. */
export interface StepClock {
  readonly steps: Float64Array;
  /** Unix seconds by the training job's own clock. */
  readonly seconds: Float64Array;
  /** Edges between steps at which the job paused, ascending. */
  readonly pauses: Float64Array;
  /** Seconds a step before the first knot, and after the last. */
  readonly paceBefore: number;
  readonly paceAfter: number;
}

/** A clock that was set back goes on this much later: positions must rise with steps. */
const LEAST_ADVANCE_SECONDS = 1e-3;
/** Neighbours at either end whose median pace continues the clock beyond them. */
const PACE_KNOTS = 64;
/** A step that took so many times as long as usual was a pause: nothing happened in it. */
const PAUSE_FACTOR = 8;
/** From the edge of a pause to either of its ends, in steps: both lie between two steps. */
const PAUSE_REACH = 0.25;

/** The clock of the scalar `wall_time`; null where fewer than two times were reported. */
export function prepareStepClock(wallTime: SeriesColumns): StepClock | null {
  const reported = reportedTimes(wallTime);
  const { steps, seconds } = reported;
  if (steps.length < 2) return null;
  const usual = medianPace(steps, seconds, 0, steps.length - 1);
  const clock: Record<'steps' | 'seconds' | 'pauses', number[]> = {
    steps: [],
    seconds: [],
    pauses: [],
  };
  const add = (step: number, time: number) => {
    clock.steps.push(step);
    clock.seconds.push(Math.max(time, (clock.seconds.at(-1) ?? -Infinity) + LEAST_ADVANCE_SECONDS));
  };
  for (let i = 0; i < steps.length; i++) {
    const [step, time] = [steps[i] ?? 0, seconds[i] ?? 0];
    const [before, timeBefore] = [steps[i - 1] ?? step, seconds[i - 1] ?? time];
    const stepCount = step - before;
    if (reported.isAfterGap[i] === true && time - timeBefore > PAUSE_FACTOR * usual * stepCount) {
      add(step - 0.5 - PAUSE_REACH, timeBefore + usual * (stepCount - 0.5));
      add(step - 0.5 + PAUSE_REACH, time - usual / 2);
      clock.pauses.push(step - 0.5);
    }
    add(step, time);
  }
  return {
    steps: Float64Array.from(clock.steps),
    seconds: Float64Array.from(clock.seconds),
    pauses: Float64Array.from(clock.pauses),
    paceBefore: medianPace(steps, seconds, 0, Math.min(steps.length - 1, PACE_KNOTS)),
    paceAfter: medianPace(
      steps,
      seconds,
      Math.max(0, steps.length - 1 - PACE_KNOTS),
      steps.length - 1,
    ),
  };
}

/** Within a bucket of steps the earliest time is the first step's, the latest the last one's. */
function reportedTimes(wallTime: SeriesColumns): {
  steps: number[];
  seconds: number[];
  /** Between this time and the one before lie no reported steps. */
  isAfterGap: boolean[];
} {
  const [steps, seconds, isAfterGap]: [number[], number[], boolean[]] = [[], [], []];
  for (let i = 0; i < wallTime.length; i++) {
    const [fromStep, toStep] = [wallTime.fromStep[i] ?? 0, wallTime.toStep[i] ?? 0];
    const [first, last] = [wallTime.min[i] ?? NaN, wallTime.max[i] ?? NaN];
    if (!isWallTime(first) || !isWallTime(last)) continue;
    if (fromStep <= (steps.at(-1) ?? -Infinity)) continue;
    steps.push(fromStep);
    seconds.push(first);
    isAfterGap.push(steps.length > 1);
    if (toStep === fromStep) continue;
    steps.push(toStep);
    seconds.push(last);
    isAfterGap.push(false);
  }
  return { steps, seconds, isAfterGap };
}

/** The time of a step, or of a place between two; beyond the ends at the pace found there. */
export function timeOfStep(clock: StepClock, step: number): number {
  const { steps, seconds, paceBefore, paceAfter } = clock;
  return interpolate(steps, seconds, step, paceBefore, paceAfter);
}

/** The step, or place between two, of a time; inverse of `timeOfStep`. */
export function stepOfTime(clock: StepClock, time: number): number {
  const { steps, seconds, paceBefore, paceAfter } = clock;
  return interpolate(seconds, steps, time, 1 / paceBefore, 1 / paceAfter);
}

/** When what ends at an edge between steps ended, and what begins there began: the same without a pause. */
export function pauseSides(
  clock: StepClock,
  edge: number,
): { readonly ends: number; readonly begins: number } {
  const { pauses } = clock;
  let low = 0;
  let high = pauses.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pauses[middle] ?? 0) < edge - PAUSE_REACH) low = middle + 1;
    else high = middle;
  }
  if (Math.abs((pauses[low] ?? Infinity) - edge) > PAUSE_REACH) {
    const time = timeOfStep(clock, edge);
    return { ends: time, begins: time };
  }
  return {
    ends: timeOfStep(clock, edge - PAUSE_REACH),
    begins: timeOfStep(clock, edge + PAUSE_REACH),
  };
}

function interpolate(
  from: Float64Array,
  to: Float64Array,
  at: number,
  slopeBefore: number,
  slopeAfter: number,
): number {
  const last = from.length - 1;
  const [first, end] = [from[0] ?? 0, from[last] ?? 0];
  if (at < first) return (to[0] ?? 0) + (at - first) * slopeBefore;
  if (at >= end) return (to[last] ?? 0) + (at - end) * slopeAfter;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((from[middle] ?? 0) <= at) low = middle;
    else high = middle;
  }
  const [x0, x1] = [from[low] ?? 0, from[high] ?? 0];
  const [y0, y1] = [to[low] ?? 0, to[high] ?? 0];
  return y0 + ((y1 - y0) * (at - x0)) / (x1 - x0);
}

/** Median seconds a step between the times from `first` to `last`: a pause among them changes nothing. */
function medianPace(
  steps: readonly number[],
  seconds: readonly number[],
  first: number,
  last: number,
): number {
  const paces: number[] = [];
  for (let i = first; i < last; i++) {
    const stepCount = (steps[i + 1] ?? 1) - (steps[i] ?? 0);
    paces.push(((seconds[i + 1] ?? 0) - (seconds[i] ?? 0)) / stepCount);
  }
  paces.sort((a, b) => a - b);
  return Math.max(LEAST_ADVANCE_SECONDS, paces[paces.length >> 1] ?? 0);
}
