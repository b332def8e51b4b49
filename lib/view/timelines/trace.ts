import type { Bucket } from '../../contract/reads';

export interface TracePoint {
  /** 0 at the window's first step, 1 at its last. */
  readonly x: number;
  /** 0 at the lowest drawn value, 1 at the highest. */
  readonly y: number;
}

/** A series in the unit square: a chart multiplies by its width and height. */
export interface Trace {
  /** Unbroken stretches; a stretch of one point is to be drawn as a dot. */
  readonly segments: readonly (readonly TracePoint[])[];
  /** Where non-finite values were reported. */
  readonly nonFinite: readonly number[];
  readonly scale: 'linear' | 'log';
  /** The values at y = 0 and y = 1; null where nothing finite was reported. */
  readonly low: number | null;
  readonly high: number | null;
}

export interface TraceWindow {
  readonly fromStep: number;
  readonly toStep: number;
}

/** Where `step` lies in the window, 0 to 1 inside it; the middle of a window of one step. */
export function stepToX({ fromStep, toStep }: TraceWindow, step: number): number {
  return toStep > fromStep ? (step - fromStep) / (toStep - fromStep) : 0.5;
}

/**
 * Lays buckets into the unit square. A bucket of several steps is drawn through its
 * minimum and its maximum, so no one-step spike is lost; a bucket without a finite value
 * breaks the line. Extremes nearer than `resolution` (a share of the height: a pixel or so)
 * cannot be told apart and are drawn as their mean. A log scale falls back to linear where a value is not positive.
 *
 * Empty  no segments
 * Cost   O(buckets)
 */
export function prepareTrace(
  points: readonly Bucket[],
  window: TraceWindow,
  wanted: 'linear' | 'log',
  resolution = 0,
): Trace {
  const inside = points.filter(
    ({ fromStep, toStep }) => toStep >= window.fromStep && fromStep <= window.toStep,
  );
  const finite = inside.flatMap(({ min, max }) => (min === null || max === null ? [] : [min, max]));
  const lowest = finite.reduce((a, b) => Math.min(a, b), Infinity);
  const scale = wanted === 'log' && lowest > 0 ? 'log' : 'linear';
  const map = (value: number): number => (scale === 'log' ? Math.log10(value) : value);
  const highest = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  const low = map(lowest);
  const span = map(highest) - low;
  const toY = (value: number): number => (span > 0 ? (map(value) - low) / span : 0.5);

  const segments: TracePoint[][] = [];
  const nonFinite: number[] = [];
  let open: TracePoint[] | null = null;
  for (const { fromStep, toStep, min, max, mean, nonFiniteCount } of inside) {
    const x = stepToX(
      window,
      Math.min(Math.max((fromStep + toStep) / 2, window.fromStep), window.toStep),
    );
    if (nonFiniteCount > 0) nonFinite.push(x);
    if (min === null || max === null) {
      open = null;
      continue;
    }
    if (open === null) {
      open = [];
      segments.push(open);
    }
    if (mean !== null && toY(max) - toY(min) <= resolution) {
      open.push({ x, y: toY(mean) });
      continue;
    }
    const last = open.at(-1);
    const [first, second] =
      last !== undefined && Math.abs(last.y - toY(max)) < Math.abs(last.y - toY(min))
        ? [max, min]
        : [min, max];
    open.push({ x, y: toY(first) }, { x, y: toY(second) });
  }
  return {
    segments,
    nonFinite,
    scale,
    low: finite.length === 0 ? null : lowest,
    high: finite.length === 0 ? null : highest,
  };
}

/** Where a value lies on the trace's y axis; null where the scale has no place for it. */
export function valueToY({ scale, low, high }: Trace, value: number): number | null {
  if (low === null || high === null || !Number.isFinite(value)) return null;
  if (scale === 'log' && value <= 0) return null;
  const map = (x: number): number => (scale === 'log' ? Math.log10(x) : x);
  return high > low ? (map(value) - map(low)) / (map(high) - map(low)) : 0.5;
}
