import { niceStep } from './ticks';

/** The steps that a plot spans: from the left edge of its first to the right edge of its last. */
export interface StepAxis {
  readonly low: number;
  readonly high: number;
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
): StepAxis {
  if (window !== null) return { low: window.fromStep - 0.5, high: window.toStep + 0.5 };
  const low = firstStep - 0.5;
  const count = newestStep - firstStep + 1;
  if (!isGrowing) return { low, high: newestStep + 0.5 };
  const mark = Math.max(1, niceStep(count, GROWTH_MARKS));
  const grown = Math.ceil((count * 1.01) / mark) * mark;
  return { low, high: low + Math.max(LEAST_GROWING_STEPS, grown) };
}

/** Pixels from the axis' start to the middle of `step`. */
export function pixelOfStep(axis: StepAxis, lengthPx: number, step: number): number {
  return ((step - axis.low) / (axis.high - axis.low)) * lengthPx;
}

/** The step whose cell holds the pixel. */
export function stepOfPixel(axis: StepAxis, lengthPx: number, pixel: number): number {
  return Math.round(axis.low + (pixel / lengthPx) * (axis.high - axis.low));
}

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
  const span = Math.max(LEAST_WINDOW_STEPS, (axis.high - axis.low) * factor);
  const share = Math.min(1, Math.max(0, (anchorStep - axis.low) / (axis.high - axis.low)));
  const from = Math.round(anchorStep - span * share + 0.5);
  return clampWindow(
    { fromStep: from, toStep: from + Math.round(span) - 1 },
    firstStep,
    newestStep,
  );
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
