import { lesser, greater, type SeriesColumns } from './timeline-series';
import type { StepAxis } from '../axes/step-axis';
import { linearTicks, logTicks, type Tick } from '../axes/ticks';

export interface TimelinePoint {
  readonly step: number;
  /** null breaks the line: nobody reported there. */
  readonly value: number | null;
}

/** What recharts draws of one scalar: decided points, domain and ticks. */
export interface TimelineChart {
  readonly points: readonly TimelinePoint[];
  /** Points without a neighbour: a line cannot show them. */
  readonly isolated: readonly TimelinePoint[];
  /** Steps at which the value was not finite. */
  readonly nonFiniteSteps: readonly number[];
  readonly scale: TimelineScale;
  /** On a symlog axis in `asinh(value ÷ threshold)`, as the points are. */
  readonly domain: readonly [number, number];
  readonly ticks: readonly Tick[];
  /** Where a symlog axis turns from linear to logarithmic; 1 on the others, of no use there. */
  readonly threshold: number;
}

export type TimelineScale = 'log' | 'linear' | 'symlog';

/** A symlog axis is linear below this share of its largest value. */
const SYMLOG_SHARE = 1e-3;

/** recharts stays fluent up to about so many points a line. */
const MAX_TIMELINE_POINTS = 1000;
/** A distance of more than this many usual ones is a gap, not a slow stretch. */
const GAP_INTERVALS = 4;
/** Log domains end on quarter decades, within one decade on sixteenths, so that they move seldom. */
const LOG_SNAP = 4;
const NARROW_LOG_SNAP = 16;

export interface TimelineOptions {
  readonly maxPoints?: number;
  /** Values that the domain holds whatever the series does: where a line is drawn. */
  readonly includes?: readonly number[];
}

interface Extremes {
  step: number;
  toStep: number;
  min: number;
  max: number;
  nonFinite: number;
}

/**
 * At most `maxPoints` points of the visible steps. Buckets of several steps are drawn
 * through both extremes, the one nearer to the line first; so a one-step spike survives.
 */
export function prepareTimelineChart(
  series: SeriesColumns,
  axis: StepAxis,
  wantedScale: TimelineScale,
  tickCount: number,
  { maxPoints = MAX_TIMELINE_POINTS, includes = [] }: TimelineOptions = {},
): TimelineChart {
  const visible = visibleEntries(series, axis);
  const entries = mergeEntries(visible, maxPoints / 2);
  const interval = medianDistance(entries);
  const points: TimelinePoint[] = [];
  const nonFiniteSteps: number[] = [];
  let low = NaN;
  let high = NaN;
  let lowPositive = NaN;
  for (const value of includes) {
    low = lesser(low, value);
    high = greater(high, value);
    if (value > 0) lowPositive = lesser(lowPositive, value);
  }
  let previous: Extremes | null = null;
  for (const entry of entries) {
    if (entry.nonFinite > 0) nonFiniteSteps.push(entry.step);
    const isMissing = Number.isNaN(entry.max);
    if (previous !== null && entry.step - previous.toStep > GAP_INTERVALS * interval) {
      points.push({ step: (previous.toStep + entry.step) / 2, value: null });
    }
    previous = entry;
    if (isMissing) {
      points.push({ step: entry.step, value: null });
      continue;
    }
    low = lesser(low, entry.min);
    high = greater(high, entry.max);
    lowPositive = lesser(lowPositive, entry.min > 0 ? entry.min : entry.max > 0 ? entry.max : NaN);
    if (entry.min === entry.max) points.push({ step: entry.step, value: entry.max });
    else {
      const before = points.at(-1)?.value ?? entry.max;
      const isRising = Math.abs(before - entry.min) <= Math.abs(before - entry.max);
      const [first, second] = isRising ? [entry.min, entry.max] : [entry.max, entry.min];
      points.push({ step: entry.step, value: first }, { step: entry.toStep, value: second });
    }
  }
  const scale = wantedScale === 'log' && !(lowPositive > 0) ? 'linear' : wantedScale;
  const threshold = scale === 'symlog' ? symlogThreshold(low, high) : 1;
  const domain =
    scale === 'log'
      ? logDomain(lowPositive, high)
      : linearDomain(symlog(scale, threshold, low), symlog(scale, threshold, high));
  const drawn = placePoints(points, { scale, threshold, domain });
  return {
    points: drawn,
    isolated: drawn.filter(
      ({ value }, i) =>
        value !== null &&
        (drawn[i - 1]?.value ?? null) === null &&
        (drawn[i + 1]?.value ?? null) === null,
    ),
    nonFiniteSteps,
    scale,
    domain,
    ticks: ticksOf(scale, domain, threshold, tickCount),
    threshold,
  };
}

type ChartScale = Pick<TimelineChart, 'scale' | 'domain' | 'threshold'>;

/** Another series over the same axes: a smoothed line, the loss of an earlier attempt. */
export function prepareOverlay(
  series: SeriesColumns,
  axis: StepAxis,
  chart: ChartScale,
): readonly TimelinePoint[] {
  // Its own domain is of no use; its points are placed on the chart's.
  const { points, scale } = prepareTimelineChart(series, axis, 'linear', 1);
  return scale === 'linear' ? placePoints(points, chart) : points;
}

function placePoints(points: readonly TimelinePoint[], chart: ChartScale): TimelinePoint[] {
  const { scale, threshold, domain } = chart;
  return points.map(({ step, value }) => ({
    step,
    value:
      value === null
        ? null
        : // A log axis has no place for 0 and below: they rest on its lower edge.
          scale === 'log' && value <= 0
          ? domain[0]
          : symlog(scale, threshold, value),
  }));
}

/** The scale that a drawing library is told: symlog points are placed already. */
export function drawnScale({ scale }: Pick<TimelineChart, 'scale'>): 'log' | 'linear' {
  return scale === 'log' ? 'log' : 'linear';
}

function symlog(scale: TimelineScale, threshold: number, value: number): number {
  return scale === 'symlog' ? Math.asinh(value / threshold) : value;
}

function symlogThreshold(low: number, high: number): number {
  const largest = Math.max(Math.abs(low), Math.abs(high));
  return largest > 0 ? 10 ** Math.floor(Math.log10(largest * SYMLOG_SHARE)) : 1;
}

function ticksOf(
  scale: TimelineScale,
  domain: readonly [number, number],
  threshold: number,
  count: number,
): Tick[] {
  if (scale === 'log') return logTicks(domain[0], domain[1], count);
  if (scale === 'linear') return linearTicks(domain[0], domain[1], count);
  const [low, high] = domain.map((at) => threshold * Math.sinh(at));
  const side = Math.max(1, Math.floor(count / 2));
  const decades = (end: number): Tick[] =>
    end > threshold ? logTicks(threshold, end, side).filter(({ value }) => value > threshold) : [];
  const zero: readonly Tick[] = [{ value: 0, text: '0', exponent: null }];
  return [
    ...decades(-(low ?? 0)).map((tick) => ({
      ...tick,
      value: -tick.value,
      text: `\u2212${tick.text}`,
    })),
    ...zero.filter(() => (low ?? 0) <= 0 && (high ?? 0) >= 0),
    ...decades(high ?? 0),
  ];
}

/** The entries in sight and one more at either side, so that the line runs off the edge. */
function visibleEntries(series: SeriesColumns, axis: StepAxis): Extremes[] {
  const entries: Extremes[] = [];
  for (let i = 0; i < series.length; i++) {
    const nextFrom = series.fromStep[i + 1] ?? Infinity;
    const previousTo = series.toStep[i - 1] ?? -Infinity;
    if (nextFrom < axis.low || previousTo > axis.high) continue;
    entries.push({
      step: series.fromStep[i] ?? 0,
      toStep: series.toStep[i] ?? 0,
      min: series.min[i] ?? NaN,
      max: series.max[i] ?? NaN,
      nonFinite: series.nonFinite[i] ?? 0,
    });
  }
  return entries;
}

/** Few enough single steps stay single; else neighbours are merged to `limit` buckets. */
function mergeEntries(entries: Extremes[], limit: number): Extremes[] {
  const drawnPoints = entries.reduce((sum, { min, max }) => sum + (min === max ? 1 : 2), 0);
  if (drawnPoints <= 2 * limit) return entries;
  const perBucket = Math.ceil(entries.length / limit);
  const merged: Extremes[] = [];
  entries.forEach((entry, i) => {
    const open = merged.at(-1);
    if (open === undefined || i % perBucket === 0) merged.push({ ...entry });
    else {
      open.toStep = entry.toStep;
      open.min = lesser(open.min, entry.min);
      open.max = greater(open.max, entry.max);
      open.nonFinite += entry.nonFinite;
    }
  });
  return merged;
}

function medianDistance(entries: readonly Extremes[]): number {
  const distances = entries
    .slice(1)
    .map((entry, i) => entry.step - (entries[i]?.step ?? entry.step))
    .sort((a, b) => a - b);
  return Math.max(1, distances[distances.length >> 1] ?? 1);
}

function logDomain(low: number, high: number): readonly [number, number] {
  const snap = high / low < 10 ? NARROW_LOG_SNAP : LOG_SNAP;
  const from = Math.floor(Math.log10(low) * snap - 0.4) / snap;
  const to = Math.ceil(Math.log10(high) * snap + 0.2) / snap;
  return [10 ** from, 10 ** Math.max(to, from + 1 / snap)];
}

function linearDomain(low: number, high: number): readonly [number, number] {
  if (Number.isNaN(low)) return [0, 1];
  if (low === high) return low === 0 ? [-1, 1] : [Math.min(0, low * 1.25), Math.max(0, low * 1.25)];
  const pad = (high - low) * 0.06;
  const from = low >= 0 && low < (high - low) / 2 ? 0 : low - pad;
  return [from, high + pad];
}

/** Where a value lies between the axis' lower (0) and upper end (1). */
export function shareOnAxis(chart: ChartScale, value: number): number {
  const [low, high] = chart.domain;
  if (chart.scale === 'log') return value <= 0 ? 0 : Math.log(value / low) / Math.log(high / low);
  return (symlog(chart.scale, chart.threshold, value) - low) / (high - low);
}
