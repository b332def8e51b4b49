/**
 * Loss events seen again once the series is whole: the baseline of each is centred, 128
 * samples before and 128 after with 10 on either side left out, so that a loss that was
 * already on its way somewhere else is measured by where it was and where it went.
 */
import {
  ELEVATED_Z,
  type LossEvent,
  OUTLIER_Z,
  type Point,
  type Sample,
  classifyRecovery,
  findClimb,
} from './loss-event';
import { observeLoss } from './loss-detector';
import { createLossDetector } from './loss-state';
import { createMedianWindow, medianOf, pushValue } from './median-window';
import { type Baseline, computeBaseline, robustZ } from './robust-baseline';

const SIDE = 128;
const MARGIN = 10;
const SETTLED = 100;
const FEWEST = 20;

export interface LossSeries {
  /** Ascending. */
  readonly steps: ArrayLike<number>;
  readonly losses: ArrayLike<number>;
  /** Left out where the run posted none. */
  readonly learningRates?: ArrayLike<number>;
}

/**
 * The events of a whole series, in order of onset. Runs the online detector, then dates and
 * measures each event by its centred baseline; what does not stand out of that is dropped.
 *
 * Empty    no events
 * NaN/Inf  divergences, which need no baseline, are returned as found
 * Cost     the online detector's, and O(length of event + 256) an event
 */
export function reevaluateLosses(series: LossSeries): LossEvent[] {
  const found = detectAll(series);
  const points = measuredPoints(series);
  const isQuiet = markQuiet(points, found);
  return found
    .map((event) => reevaluate(event, points, isQuiet))
    .filter((event) => event !== null)
    .sort((a, b) => a.onsetStep - b.onsetStep);
}

/** The last word of the online detector on each event. */
function detectAll({ steps, losses, learningRates }: LossSeries): LossEvent[] {
  const detector = createLossDetector();
  const byOpening = new Map<string, LossEvent>();
  for (let i = 0; i < steps.length; i++) {
    const updates = observeLoss(detector, {
      step: steps[i] ?? 0,
      loss: losses[i] ?? null,
      learningRate: learningRates?.[i] ?? null,
    });
    for (const { event } of updates) byOpening.set(`${event.kind} ${event.openedStep}`, event);
  }
  return Array.from(byOpening.values());
}

function measuredPoints({ steps, losses }: LossSeries): Point[] {
  const points: Point[] = [];
  for (let i = 0; i < steps.length; i++) {
    const value = losses[i] ?? NaN;
    if (Number.isFinite(value) && value !== 0) points.push({ step: steps[i] ?? 0, value });
  }
  return points;
}

/** [points] whether a point lies in no event. */
function markQuiet(points: readonly Point[], events: readonly LossEvent[]): boolean[] {
  return points.map(({ step }) => {
    return !events.some(
      ({ onsetStep, recoveredStep }) => step >= onsetStep && step < (recoveredStep ?? Infinity),
    );
  });
}

function reevaluate(
  event: LossEvent,
  points: readonly Point[],
  isQuiet: readonly boolean[],
): LossEvent | null {
  if (event.kind === 'divergence') return event;
  const first = points.findIndex(({ step }) => step >= event.openedStep);
  const end = endOf(event, points);
  const before = quietValues(points, isQuiet, first - MARGIN - 1, -1, SIDE);
  const after = quietValues(points, isQuiet, end + MARGIN, 1, SIDE);
  if (before.length < FEWEST) return event;
  const baseline = baselineOf([...before, ...after]);
  const samples = points
    .slice(Math.max(0, first - MARGIN), Math.max(end, first + 1))
    .map(({ step, value }): Sample => ({ step, value, z: robustZ(value, baseline) }));
  const peak = samples.reduce((highest, sample) => (sample.z > highest.z ? sample : highest));
  if (peak.z < OUTLIER_Z) return null;
  const onsetLimit = Math.max(
    event.onsetLimit ?? -Infinity,
    baseline.median + ELEVATED_Z * baseline.scale,
  );
  const { openedStep } = event;
  const climb =
    findClimb(samples, { openedStep, peakValue: peak.value, onsetLimit }, baseline) ?? event;
  const settled = quietValues(points, isQuiet, end, 1, SETTLED);
  return {
    ...event,
    onsetStep: climb.onsetStep,
    riseStep: climb.riseStep,
    peakStep: peak.step,
    peakValue: peak.value,
    baseline: baseline.median,
    scale: baseline.scale,
    recovery:
      event.recoveredStep === null || event.recovery === 'partial'
        ? event.recovery
        : classifyRecovery(climb.onsetStep, event.recoveredStep),
    excessArea: areaAbove(samples, climb.onsetStep, baseline.median),
    levelShift:
      settled.length < FEWEST
        ? event.levelShift
        : baselineOf(settled).median - baselineOf(before).median,
  };
}

function endOf({ recoveredStep }: LossEvent, points: readonly Point[]): number {
  if (recoveredStep === null) return points.length;
  return points.findIndex(({ step }) => step >= recoveredStep);
}

/** Up to `count` quiet values from index `from` on, walking by `direction`. */
function quietValues(
  points: readonly Point[],
  isQuiet: readonly boolean[],
  from: number,
  direction: 1 | -1,
  count: number,
): number[] {
  const values: number[] = [];
  for (let i = from; i >= 0 && i < points.length && values.length < count; i += direction) {
    const point = points[i];
    if (point !== undefined && isQuiet[i] === true) values.push(point.value);
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

/**
 * Steps at which two or more runs of one data order have an outlier batch: the data's doing.
 */
export function findSharedOutliers(runs: readonly (readonly LossEvent[])[]): Set<number> {
  const runsWith = new Map<number, number>();
  for (const events of runs) {
    const steps = new Set<number>();
    for (const { kind, onsetStep } of events) if (kind === 'outlier_batch') steps.add(onsetStep);
    for (const step of steps) runsWith.set(step, (runsWith.get(step) ?? 0) + 1);
  }
  return new Set(Array.from(runsWith).flatMap(([step, count]) => (count >= 2 ? [step] : [])));
}
