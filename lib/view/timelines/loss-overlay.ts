import type { Bucket } from '../../contract/reads';
import { formatNumber, formatStep } from '../text/format-number';
import { linearTicks, logTicks, stepTicks, type Tick } from '../axes/ticks';
import { prepareTrace, stepToX, type Trace, type TracePoint, type TraceWindow } from './trace';

export interface OverlaidRun {
  readonly id: string;
  readonly name: string;
  readonly points: readonly Bucket[];
}

/** One loss in the unit square that all share. */
export interface OverlayLine {
  readonly id: string;
  readonly name: string;
  readonly segments: readonly (readonly TracePoint[])[];
  readonly nonFinite: readonly number[];
  /** Strokes and gaps that tell it from the others, in px; null: unbroken. */
  readonly dash: string | null;
  /** Where its name stands, 0 to 1; where the line ends, moved off other names. */
  readonly labelY: number;
  readonly lowest: string;
  readonly last: string;
  readonly lastStep: string;
}

export interface PlacedTick {
  readonly tick: Tick;
  readonly at: number;
}

export interface LossOverlay {
  readonly lines: readonly OverlayLine[];
  readonly xTicks: readonly PlacedTick[];
  readonly yTicks: readonly PlacedTick[];
  /** "6 of 9 losses"; null where all are drawn. */
  readonly omitted: string | null;
}

/** Told apart without colour, which is kept for events; more patterns than these are not. */
const DASHES: readonly (string | null)[] = [null, '6 3', '1.5 2.5', '9 3 1.5 3', '3 6', '12 4'];

/**
 * Losses of runs on one scale of steps and one of loss, logarithmic while all are positive.
 * `labelGap` is how far names must stand apart, as a share of the height.
 *
 * Empty  no lines; runs without a reported loss have none
 */
export function prepareLossOverlay(runs: readonly OverlaidRun[], labelGap: number): LossOverlay {
  const reported = runs.filter(({ points }) => points.some(({ min }) => min !== null));
  const drawn = reported.slice(0, DASHES.length);
  const all = drawn.flatMap(({ points }) => points);
  const window = {
    fromStep: all.reduce((least, { fromStep }) => Math.min(least, fromStep), Infinity),
    toStep: all.reduce((most, { toStep }) => Math.max(most, toStep), -Infinity),
  };
  const finite = all.flatMap(({ min, max }) => (min === null || max === null ? [] : [min, max]));
  const low = finite.reduce((a, b) => Math.min(a, b), Infinity);
  const high = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  const scale = low > 0 ? 'log' : 'linear';
  const toY = sharedScale(scale, low, high);
  const traces = drawn.map(({ points }) => prepareTrace(points, window, scale));
  const ends = drawn.map(({ points }) => toY(lastFinite(points) ?? low));
  const labels = spreadLabels(ends, labelGap);
  const ticks = scale === 'log' ? logTicks(low, high, 5) : linearTicks(low, high, 4);
  return {
    lines: drawn.map(({ id, name, points }, index) => {
      const trace = traces[index];
      return {
        ...{ id, name, dash: DASHES[index] ?? null, labelY: labels[index] ?? 0 },
        segments: trace === undefined ? [] : toShared(trace, toY),
        nonFinite: trace?.nonFinite ?? [],
        lowest: formatNumber(trace?.low ?? null),
        last: formatNumber(lastFinite(points)),
        lastStep: formatStep(points.at(-1)?.toStep ?? null),
      };
    }),
    xTicks: drawn.length === 0 ? [] : placeSteps(window),
    yTicks: ticks.map((tick) => ({ tick, at: toY(tick.value) })),
    omitted: drawn.length < reported.length ? `${drawn.length} of ${reported.length} losses` : null,
  };
}

function placeSteps(window: TraceWindow): readonly PlacedTick[] {
  return stepTicks(window.fromStep, window.toStep, 8).map((tick) => ({
    tick,
    at: stepToX(window, tick.value),
  }));
}

function sharedScale(
  scale: 'log' | 'linear',
  low: number,
  high: number,
): (value: number) => number {
  const map = (value: number) => (scale === 'log' ? Math.log10(value) : value);
  return (value) => (high > low ? (map(value) - map(low)) / (map(high) - map(low)) : 0.5);
}

/** From the trace's own extremes to those of all: both scales are of one kind, so it is linear. */
function toShared(
  { segments, low, high }: Trace,
  toY: (value: number) => number,
): readonly (readonly TracePoint[])[] {
  if (low === null || high === null) return [];
  const [bottom, top] = [toY(low), toY(high)];
  return segments.map((points) =>
    points.map(({ x, y }) => ({ x, y: high > low ? bottom + y * (top - bottom) : bottom })),
  );
}

function lastFinite(points: readonly Bucket[]): number | null {
  return points.findLast(({ mean }) => mean !== null)?.mean ?? null;
}

/** Moves places apart until each is `gap` from the next, none outside 0 to 1 while they fit. */
export function spreadLabels(places: readonly number[], gap: number): readonly number[] {
  const order = places.map((_, index) => index).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
  const spread = [...places];
  let floor = -Infinity;
  for (const index of order) {
    const at = Math.max(spread[index] ?? 0, floor);
    spread[index] = at;
    floor = at + gap;
  }
  let ceiling = 1;
  for (const index of order.toReversed()) {
    const at = Math.min(spread[index] ?? 0, ceiling);
    spread[index] = at;
    ceiling = at - gap;
  }
  return spread;
}
