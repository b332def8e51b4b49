/** The steps that stand side by side, and which of them the page is about. */
export interface ChosenSteps {
  /** One to three, ascending, each a step with a distribution. */
  readonly steps: readonly number[];
  /** Index of the middle of attention. */
  readonly mainIndex: number;
}

/** How many stand side by side. */
const COLUMNS = 3;
/** A window of 48 reports shows what led up to a step and what came of it. */
const REPORTS_AFTER = 28;
const REPORTS_IN_WINDOW = 48;

/** Index of the newest available step at or before `step`; of the first where none is. */
function indexAtOrBefore(available: readonly number[], step: number): number {
  const after = available.findIndex((candidate) => candidate > step);
  return Math.max(0, (after === -1 ? available.length : after) - 1);
}

/** The selected step with its neighbours: the reported steps before and after it. */
export function chooseSteps(available: readonly number[], selected: number): ChosenSteps {
  if (available.length === 0) return { steps: [], mainIndex: 0 };
  const main = indexAtOrBefore(available, selected);
  const first = Math.min(Math.max(0, main - 1), Math.max(0, available.length - COLUMNS));
  const steps = available.slice(first, first + COLUMNS);
  return { steps, mainIndex: main - first };
}

/**
 * The steps of a URL, each taken to the newest reported step at or before it. Steps that
 * fall together, or a list that is not a list of steps, give the default of `chooseSteps`.
 */
export function resolveSteps(
  requested: readonly number[],
  available: readonly number[],
  selected: number,
): ChosenSteps {
  const resolved = requested.map((step) => available[indexAtOrBefore(available, step)] ?? step);
  const isAscending = resolved.every((step, i) => i === 0 || step > (resolved[i - 1] ?? 0));
  if (resolved.length === 0 || resolved.length > COLUMNS || !isAscending || available.length === 0)
    return chooseSteps(available, selected);
  const main = resolved.indexOf(available[indexAtOrBefore(available, selected)] ?? selected);
  return { steps: resolved, mainIndex: main >= 0 ? main : Math.floor((resolved.length - 1) / 2) };
}

/** "316,317,319" → [316, 317, 319]; anything else gives an empty list. */
export function parseSteps(text: string | null): readonly number[] {
  if (text === null || !/^\d{1,15}(,\d{1,15}){0,2}$/.test(text)) return [];
  return text.split(',').map(Number);
}

/**
 * Moves one chosen step to the reported step nearest to `target`. Steps in its way are
 * pushed along: the order of the columns is the order of time, and no two are the same.
 */
export function moveChosenStep(
  steps: readonly number[],
  index: number,
  target: number,
  available: readonly number[],
): readonly number[] {
  if (available.length < steps.length) return steps;
  const places = steps.map((step) => indexAtOrBefore(available, step));
  const nearest = indexNearest(available, target);
  const lowest = index;
  const highest = available.length - (steps.length - index);
  places[index] = Math.min(Math.max(nearest, lowest), highest);
  for (let i = index + 1; i < places.length; i++)
    places[i] = Math.max(places[i] ?? 0, (places[i - 1] ?? 0) + 1);
  for (let i = index - 1; i >= 0; i--)
    places[i] = Math.min(places[i] ?? 0, (places[i + 1] ?? 0) - 1);
  return places.map((place, i) => available[place] ?? steps[i] ?? 0);
}

function indexNearest(available: readonly number[], target: number): number {
  return available.reduce(
    (best, step, i) =>
      Math.abs(step - target) < Math.abs((available[best] ?? Infinity) - target) ? i : best,
    0,
  );
}

/** Moves all chosen steps by `offset` reports together, as far as the first or last allows. */
export function shiftSteps(
  steps: readonly number[],
  offset: number,
  available: readonly number[],
): readonly number[] {
  const places = steps.map((step) => indexAtOrBefore(available, step));
  const room =
    offset < 0
      ? Math.max(offset, -(places[0] ?? 0))
      : Math.min(offset, available.length - 1 - (places.at(-1) ?? 0));
  return places.map((place, i) => available[place + room] ?? steps[i] ?? 0);
}

/** The reported step `offset` reports away from `step`, as far as there are any. */
export function stepByReports(available: readonly number[], step: number, offset: number): number {
  const index = indexAtOrBefore(available, step) + offset;
  return available[Math.min(Math.max(0, index), available.length - 1)] ?? step;
}

export interface StepWindow {
  readonly fromStep: number;
  readonly toStep: number;
}

/** The steps that every panel around `anchor` shows; inside the run, never beyond `lastStep`. */
export function prepareStepWindow(
  anchor: number,
  cadence: number,
  firstStep: number,
  lastStep: number,
): StepWindow {
  const toStep = Math.max(anchor, Math.min(lastStep, anchor + REPORTS_AFTER * cadence));
  const fromStep = Math.max(Math.min(firstStep, anchor), toStep - REPORTS_IN_WINDOW * cadence);
  return {
    fromStep,
    toStep: Math.max(toStep, Math.min(lastStep, fromStep + REPORTS_IN_WINDOW * cadence)),
  };
}
