import { pauseSides, stepOfTime, timeOfStep, type StepClock } from './step-clock';
import { niceStep } from './ticks';

/**
 * The steps that a plot spans: from the left edge of its first to the right edge of its
 * last. Positions along it are steps, or with a clock the Unix seconds of the steps.
 */
export interface StepAxis {
  readonly low: number;
  readonly high: number;
  /** Absent where the axis is one of steps. */
  readonly clock?: StepClock;
}

/** Steps chosen by a person, inclusive. */
export interface StepWindow {
  readonly fromStep: number;
  readonly toStep: number;
}

/** A run that begins shows this many steps, so that its first columns are not as wide as the page. */
const LEAST_GROWING_STEPS = 60;
/** While following, the axis ends on one of about so many marks ahead of the newest step: it
 * moves a few dozen times in a run's life and not with every frame. */
const GROWTH_MARKS = 40;

/**
 * The axis for a window, or for the whole run. A growing run leaves room at the right,
 * where live data enters, so that nothing else moves when a frame arrives.
 */
export function stepAxis(
  firstStep: number,
  newestStep: number,
  window: StepWindow | null,
  isGrowing: boolean,
  clock: StepClock | null = null,
): StepAxis {
  const over = (low: number, high: number): StepAxis =>
    clock === null ? { low, high } : { low, high, clock };
  if (window !== null) return over(window.fromStep - 0.5, window.toStep + 0.5);
  const low = firstStep - 0.5;
  if (!isGrowing) return over(low, newestStep + 0.5);
  if (clock === null) {
    const count = newestStep - firstStep + 1;
    return over(low, low + Math.max(LEAST_GROWING_STEPS, grownLength(count, 1)));
  }
  const start = timeOfStep(clock, low);
  const least = timeOfStep(clock, low + LEAST_GROWING_STEPS) - start;
  const length = grownLength(timeOfStep(clock, newestStep + 0.5) - start, 0);
  return over(low, stepOfTime(clock, start + Math.max(least, length)));
}

/** A little more than the length, on a mark that is seldom reached. */
function grownLength(length: number, leastMark: number): number {
  const mark = Math.max(leastMark, niceStep(length, GROWTH_MARKS));
  return Math.ceil((length * 1.01) / mark) * mark;
}

/** Where a step lies on the axis, in its own unit. */
export function positionOnAxis({ clock }: StepAxis, step: number): number {
  return clock === undefined ? step : timeOfStep(clock, step);
}

/** The step, or place between two, at a position; inverse of `positionOnAxis`. */
function stepAtPosition({ clock }: StepAxis, position: number): number {
  return clock === undefined ? position : stepOfTime(clock, position);
}

/** The positions of both ends. */
export function axisEnds(axis: StepAxis): readonly [number, number] {
  return [positionOnAxis(axis, axis.low), positionOnAxis(axis, axis.high)];
}

/** Pixels from the axis' start to the middle of `step`. */
export function pixelOfStep(axis: StepAxis, lengthPx: number, step: number): number {
  const [start, end] = axisEnds(axis);
  return ((positionOnAxis(axis, step) - start) / (end - start)) * lengthPx;
}

/**
 * Pixels from the axis' start to edges between steps. Where the job paused there, what
 * ends at the edge ends before the pause and what begins at it begins after: the pause
 * itself stays empty.
 */
export function edgePixels(
  axis: StepAxis,
  lengthPx: number,
): (edge: number, side: 'begins' | 'ends') => number {
  const { clock } = axis;
  if (clock === undefined) {
    const perStep = lengthPx / (axis.high - axis.low);
    return (edge) => (edge - axis.low) * perStep;
  }
  const [start, end] = axisEnds(axis);
  const perSecond = lengthPx / (end - start);
  return (edge, side) => (pauseSides(clock, edge)[side] - start) * perSecond;
}

/** The step whose cell holds the pixel. */
export function stepOfPixel(axis: StepAxis, lengthPx: number, pixel: number): number {
  const [start, end] = axisEnds(axis);
  return Math.round(stepAtPosition(axis, start + (pixel / lengthPx) * (end - start)));
}

/** Fingers that cross do not zoom without end. */
const LEAST_GRIP = 0.02;

/** The fewest steps a zoom may leave: a cell must not become a wall. */
const LEAST_WINDOW_STEPS = 8;

/**
 * The window after a zoom by `factor` (below 1: nearer) around `anchorStep`, kept within
 * the run; null when it would show the whole run.
 */
export function zoomWindow(
  axis: StepAxis,
  anchorStep: number,
  factor: number,
  firstStep: number,
  newestStep: number,
): StepWindow | null {
  const [start, end] = axisEnds(axis);
  const anchor = positionOnAxis(axis, anchorStep);
  const share = Math.min(1, Math.max(0, (anchor - start) / (end - start)));
  if (axis.clock !== undefined) {
    const from = anchor - (end - start) * factor * share;
    return windowBetween(axis, from, from + (end - start) * factor, firstStep, newestStep);
  }
  const span = Math.max(LEAST_WINDOW_STEPS, (end - start) * factor);
  const from = Math.round(anchorStep - span * share + 0.5);
  return clampWindow(
    { fromStep: from, toStep: from + Math.round(span) - 1 },
    firstStep,
    newestStep,
  );
}

/** The window moved along by so many pixels of the axis; by a step at least. */
export function panWindow(
  axis: StepAxis,
  lengthPx: number,
  pixels: number,
  firstStep: number,
  newestStep: number,
): StepWindow | null {
  const [start, end] = axisEnds(axis);
  const by = (pixels / lengthPx) * (end - start);
  if (axis.clock !== undefined) {
    return windowBetween(axis, start + by, end + by, firstStep, newestStep);
  }
  const steps = Math.round(by) || Math.sign(by);
  return clampWindow(
    { fromStep: axis.low + 0.5 + steps, toStep: axis.high - 0.5 + steps },
    firstStep,
    newestStep,
  );
}

/** Shares of the axis' length, from its start. */
export interface Grip {
  readonly from: number;
  readonly to: number;
}

/**
 * The window after two fingers went from one grip to another: what was under each of them
 * is under it still. Counted from where the gesture began, or small moves are lost to
 * whole steps.
 */
export function pinchWindow(
  axis: StepAxis,
  began: Grip,
  now: Grip,
  firstStep: number,
  newestStep: number,
): StepWindow | null {
  const [start, end] = axisEnds(axis);
  const length = end - start;
  const scale = Math.abs(began.to - began.from) / Math.max(LEAST_GRIP, Math.abs(now.to - now.from));
  const span = Math.max(axis.clock === undefined ? LEAST_WINDOW_STEPS : 0, length * scale);
  const middle = start + (length * (began.from + began.to)) / 2;
  const low = middle - (span * (now.from + now.to)) / 2;
  if (axis.clock !== undefined) return windowBetween(axis, low, low + span, firstStep, newestStep);
  const fromStep = Math.round(low + 0.5);
  return clampWindow({ fromStep, toStep: fromStep + Math.round(span) - 1 }, firstStep, newestStep);
}

function windowBetween(
  axis: StepAxis,
  start: number,
  end: number,
  firstStep: number,
  newestStep: number,
): StepWindow | null {
  const fromStep = Math.round(stepAtPosition(axis, start) + 0.5);
  const toStep = Math.round(stepAtPosition(axis, end) - 0.5);
  return clampWindow({ fromStep, toStep }, firstStep, newestStep);
}

/** Moves and cuts a window into the run; null when all of the run is in it. */
export function clampWindow(
  window: StepWindow,
  firstStep: number,
  newestStep: number,
): StepWindow | null {
  const count = Math.max(LEAST_WINDOW_STEPS, window.toStep - window.fromStep + 1);
  if (count >= newestStep - firstStep + 1) return null;
  const fromStep = Math.min(Math.max(firstStep, window.fromStep), newestStep - count + 1);
  return { fromStep, toStep: fromStep + count - 1 };
}

/** "306-345" as the URL holds it; null for anything else. */
export function parseStepWindow(text: string | null): StepWindow | null {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(text ?? '');
  if (match === null) return null;
  const [fromStep, toStep] = [Number(match[1]), Number(match[2])];
  return fromStep <= toStep ? { fromStep, toStep } : null;
}

export function formatStepWindow({ fromStep, toStep }: StepWindow): string {
  return `${fromStep}-${toStep}`;
}
