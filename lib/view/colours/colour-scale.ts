import type { MetricScale } from '../../contract/standard-metrics';
import { turnByCode, type ColumnShows } from './column-shows';
import {
  CODE_COUNT,
  CODE_MISSING,
  CODE_NON_FINITE,
  CODE_ZERO,
  decodeMagnitude,
} from './magnitude-code';
import { fineLogTicks, linearTicks, logTicks, type Tick } from '../axes/ticks';

/** How a metric's values become positions and colours. Plain data; all else is derived. */
export interface ColourScale {
  readonly kind: 'log' | 'linear' | 'diverging';
  readonly low: number;
  readonly high: number;
  /** Where the hue breaks, as ε; null without a reference level. */
  readonly level: { readonly value: number; readonly label: string } | null;
}

/** Share of the values that may lie outside the scale at either end: one bad layer or step
 * must not bleach the rest. They are drawn in the end colour and counted by the arrows. */
const TAIL_SHARE = 0.0005;
/** An upper tail this near, in multiples of the value where it begins, bleaches nothing: it is taken on. */
const TAIL_REACH = 10;
/** Ends of a log scale stand on quarters of a decade: they move seldom and waste little. */
const SNAP = 4;
/** A constant metric still gets a scale, one decade or one unit wide. */
const MINIMAL_DECADES = 1;

/**
 * The scale that fits these cells. Log scales take the positive values and end on quarter
 * decades, so that they move seldom; a reference level within two decades of the values
 * is always on the scale.
 *
 * Empty  without values: 1e−6…1 (log), 0…1 (linear, fraction), −1…1 (diverging)
 */
export function fitColourScale(
  codes: Uint16Array,
  kind: MetricScale,
  level: ColourScale['level'],
  shows: ColumnShows = 'highest',
): ColourScale {
  if (kind === 'fraction') return { kind: 'linear', low: 0, high: 1, level };
  const counts = countCodes(codes, shows);
  if (kind === 'log') {
    counts.fill(0, 0, CODE_ZERO + 1);
    const range = quantileRange(counts);
    if (range === null)
      return { kind, low: level === null ? 1e-6 : level.value / 10, high: 1, level };
    let low = Math.floor(Math.log10(range.low) * SNAP) / SNAP;
    let high = Math.ceil(Math.log10(range.high) * SNAP) / SNAP;
    if (high - low < MINIMAL_DECADES) high = low + MINIMAL_DECADES;
    if (level !== null && level.value > 0) {
      const at = Math.log10(level.value);
      if (at <= low && low - at <= 2) low = at - 0.5;
      if (at >= high && at - high <= 2) high = at + 0.5;
    }
    return { kind, low: 10 ** low, high: 10 ** high, level };
  }
  const range = quantileRange(counts);
  if (kind === 'diverging') {
    const reach = range === null ? 1 : Math.max(Math.abs(range.low), Math.abs(range.high));
    const limit = reach === 0 ? 1 : reach;
    return { kind, low: -limit, high: limit, level: null };
  }
  if (range === null) return { kind: 'linear', low: 0, high: 1, level };
  const low = range.low >= 0 ? 0 : range.low;
  return { kind: 'linear', low, high: range.high > low ? range.high : low + 1, level };
}

/**
 * [65536] how often each magnitude occurs, by its own code however columns hold it; "not
 * reported" and "not finite" are left out.
 */
export function countCodes(codes: Uint16Array, shows: ColumnShows = 'highest'): Uint32Array {
  const counts = new Uint32Array(CODE_COUNT);
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1;
  counts[CODE_MISSING] = 0;
  counts[CODE_NON_FINITE] = 0;
  return turnByCode(counts, shows);
}

function quantileRange(counts: Uint32Array): { low: number; high: number } | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const edge = (from: number, step: 1 | -1, skip: number) => {
    let seen = 0;
    for (let code = from; code >= 0 && code < CODE_COUNT; code += step) {
      seen += counts[code] ?? 0;
      if (seen > skip) return decodeMagnitude(code);
    }
    return NaN;
  };
  const isNear = (value: number, edgeValue: number) =>
    Math.abs(value - edgeValue) <= TAIL_REACH * Math.abs(edgeValue);
  const skip = Math.floor(total * TAIL_SHARE);
  const [most, high] = [edge(CODE_COUNT - 1, -1, 0), edge(CODE_COUNT - 1, -1, skip)];
  return {
    low: edge(0, 1, skip),
    high: isNear(most, high) ? most : high,
  };
}

/** Where a value stands on the scale: 0 at `low`, 1 at `high`, beyond them outside. */
export function positionOnScale(scale: ColourScale, value: number): number {
  if (scale.kind === 'log') {
    if (value <= 0) return -Infinity;
    return Math.log(value / scale.low) / Math.log(scale.high / scale.low);
  }
  return (value - scale.low) / (scale.high - scale.low);
}

/** The value at a position; inverse of `positionOnScale`. */
export function valueAtPosition(scale: ColourScale, position: number): number {
  return scale.kind === 'log'
    ? scale.low * (scale.high / scale.low) ** position
    : scale.low + (scale.high - scale.low) * position;
}

/** A number under the bar needs so much of it. */
const PIXELS_PER_TICK = 26;
/** The caption ends where the bar begins. */
const CLEAR_OF_CAPTION_PX = 12;
/** The level's own sign takes the place of a number that would touch it. */
const CLEAR_OF_LEVEL_PX = 16;

/** The numbers under a bar so wide, as `pixel` from its start; two at least, where they fit. */
export function scaleTicks(
  scale: ColourScale,
  widthPx: number,
): { readonly tick: Tick; readonly pixel: number }[] {
  const { kind, low, high, level } = scale;
  const levelPixel = level === null ? NaN : positionOnScale(scale, level.value) * widthPx;
  const isLevelShown = levelPixel >= 0 && levelPixel <= widthPx;
  const place = (ticks: readonly Tick[]) =>
    ticks
      .map((tick) => ({ tick, pixel: positionOnScale(scale, tick.value) * widthPx }))
      .filter(
        ({ pixel }) =>
          pixel > CLEAR_OF_CAPTION_PX &&
          (!isLevelShown || Math.abs(pixel - levelPixel) > CLEAR_OF_LEVEL_PX),
      );
  const count = Math.max(2, Math.floor(widthPx / PIXELS_PER_TICK));
  if (kind !== 'log') return place(linearTicks(low, high, count));
  const decades = place(logTicks(low, high, count));
  // One number tells no distance: the scale of a calm metric is little more than a decade.
  return decades.length >= 2 ? decades : place(fineLogTicks(low, high));
}
