/**
 * One loss event seen again from both sides: its baseline is centred, 128 samples before it
 * and 128 after with 10 on either side left out, so that a loss that was already on its way
 * somewhere else is measured by where it was and where it went.
 */
import {
  ELEVATED_Z,
  type LossEvent,
  OUTLIER_Z,
  type Point,
  type Reevaluation,
  type Sample,
  classifyRecovery,
  findClimb,
} from './loss-event';
import { createMedianWindow, medianOf, pushValue } from './median-window';
import { type Baseline, computeBaseline, robustZ } from './robust-baseline';

/** Samples of either side that make the baseline, and those next to the event that do not. */
export const SIDE = 128;
export const MARGIN = 10;
const SETTLED = 100;
const FEWEST = 20;

/** The losses around an event, ascending in steps, and which of them lie in no event. */
export interface Surroundings {
  readonly points: readonly Point[];
  readonly isQuiet: (point: Point) => boolean;
}

/**
 * `endStep` is the first step that is no more part of the event. Of an event that was never
 * recovered from, what follows is another level, and the baseline is of what came before.
 *
 * Empty  null with fewer than 20 quiet samples before the event, and for divergences
 * Cost   O(length of event + 256)
 */
export function reevaluateEvent(
  event: LossEvent,
  endStep: number,
  { points, isQuiet }: Surroundings,
): Reevaluation | null {
  if (event.kind === 'divergence') return null;
  const first = firstFrom(points, event.openedStep);
  const end = Math.max(firstFrom(points, endStep), first + 1);
  const quiet = (from: number, direction: 1 | -1, count: number): number[] =>
    quietValues(points, isQuiet, { from, direction, count });
  const before = quiet(first - MARGIN - 1, -1, SIDE);
  if (before.length < FEWEST || first === points.length) return null;
  const after =
    event.recoveredStep === null && !isOutlier(event) ? [] : quiet(end + MARGIN, 1, SIDE);
  const baseline = baselineOf([...before, ...after]);
  const samples = points
    .slice(Math.max(0, first - MARGIN), end)
    .map(({ step, value }): Sample => ({ step, value, z: robustZ(value, baseline) }));
  // Those before it are there for the onset: a higher one is of another event.
  const peak = samples
    .filter(({ step }) => step >= event.openedStep)
    .reduce((highest, sample) => (sample.z > highest.z ? sample : highest));
  const onsetLimit = Math.max(
    event.onsetLimit ?? -Infinity,
    baseline.median + ELEVATED_Z * baseline.scale,
  );
  const { openedStep } = event;
  const climb =
    findClimb(samples, { openedStep, peakValue: peak.value, onsetLimit }, baseline) ?? event;
  const settled = quiet(end, 1, SETTLED);
  return {
    standsOut: peak.z >= OUTLIER_Z,
    onsetStep: climb.onsetStep,
    riseStep: climb.riseStep,
    peakStep: peak.step,
    peakValue: peak.value,
    baseline: baseline.median,
    recovery:
      event.recoveredStep === null || event.recovery === 'partial'
        ? event.recovery
        : classifyRecovery(climb.onsetStep, event.recoveredStep),
    excessArea: areaAbove(samples, climb.onsetStep, baseline.median),
    levelShift:
      settled.length < FEWEST
        ? event.levelShift
        : baselineOf(settled).median - baselineOf(before).median,
    samplesBefore: before.length,
    samplesAfter: after.length,
  };
}

function isOutlier({ kind }: LossEvent): boolean {
  return kind === 'outlier_batch';
}

/** Index of the first point at or after `step`; the length where there is none. */
function firstFrom(points: readonly Point[], step: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((points[middle]?.step ?? Infinity) < step) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Up to `count` quiet values from index `from` on, walking by `direction`. */
function quietValues(
  points: readonly Point[],
  isQuiet: Surroundings['isQuiet'],
  { from, direction, count }: { from: number; direction: 1 | -1; count: number },
): number[] {
  const values: number[] = [];
  for (let i = from; i >= 0 && i < points.length && values.length < count; i += direction) {
    const point = points[i];
    if (point !== undefined && isQuiet(point)) values.push(point.value);
  }
  return values;
}

function baselineOf(values: readonly number[]): Baseline {
  const window = createMedianWindow(values.length);
  for (const value of values) pushValue(window, value);
  return values.length === 0 ? { median: medianOf(window), scale: NaN } : computeBaseline(window);
}

/** Σ (loss − level) · steps from the onset on. */
function areaAbove(samples: readonly Sample[], onsetStep: number, level: number): number {
  let area = 0;
  samples.forEach(({ step, value }, index) => {
    const previous = samples[index - 1]?.step ?? step - 1;
    if (step >= onsetStep) area += (value - level) * (step - previous);
  });
  return area;
}
