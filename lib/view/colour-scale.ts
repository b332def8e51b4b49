import type { MetricScale } from '../contract/standard-metrics';
import { colourRamp, packHex, RAMP_LENGTH, type ThemeName } from './colour-ramp';
import {
  CODE_COUNT,
  CODE_MISSING,
  CODE_NON_FINITE,
  CODE_ZERO,
  decodeMagnitude,
} from './magnitude-code';
import { linearTicks, logTicks, type Tick } from './ticks';

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
): ColourScale {
  if (kind === 'fraction') return { kind: 'linear', low: 0, high: 1, level };
  const counts = countCodes(codes);
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

/** [65536] how often each code occurs; "not reported" and "not finite" are left out. */
export function countCodes(codes: Uint16Array): Uint32Array {
  const counts = new Uint32Array(CODE_COUNT);
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1;
  counts[CODE_MISSING] = 0;
  counts[CODE_NON_FINITE] = 0;
  return counts;
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

/** The packed colour of a finite value; what is out of range has the colour of its end. */
export function colourOfValue(scale: ColourScale, theme: ThemeName, value: number): number {
  return coloursOfPositions(scale, theme)(positionOnScale(scale, value), value);
}

/** The packed colour of a value at a position of the scale. */
function coloursOfPositions(
  scale: ColourScale,
  theme: ThemeName,
): (position: number, value: number) => number {
  const { kind, level } = scale;
  const entry = (ramp: Uint32Array, share: number) =>
    ramp[Math.round(Math.min(1, Math.max(0, share)) * (RAMP_LENGTH - 1))] ?? 0;
  if (kind === 'diverging') {
    const ramp = colourRamp(theme, 'diverging');
    return (position) => entry(ramp, position);
  }
  const above = colourRamp(theme, 'above');
  if (level === null) return (position) => entry(above, position);
  const below = colourRamp(theme, 'below');
  const levelAt = positionOnScale(scale, level.value);
  const base = Math.max(0, levelAt);
  return (position, value) => {
    if (value < level.value) return entry(below, levelAt > 0 ? position / levelAt : position);
    return entry(above, base < 1 ? (position - base) / (1 - base) : 1);
  };
}

/** [65536] the value of every code; NaN for those without one. */
let decoded: Float32Array | null = null;
/** [65536] its natural logarithm; NaN where there is none. */
let decodedLogs: Float32Array | null = null;

function valuesOfCodes(): Float32Array {
  decoded ??= Float32Array.from({ length: CODE_COUNT }, (_, code) => {
    const value = decodeMagnitude(code);
    // Neighbours of infinity that decode to NaN or beyond have no cell.
    return Number.isFinite(value) ? value : NaN;
  });
  return decoded;
}

/** Positions of many codes on a scale: a logarithm each would take longer than a frame. */
function positionsOfCodes(scale: ColourScale): (code: number) => number {
  const values = valuesOfCodes();
  if (scale.kind !== 'log') {
    const perUnit = 1 / (scale.high - scale.low);
    return (code) => ((values[code] ?? NaN) - scale.low) * perUnit;
  }
  decodedLogs ??= Float32Array.from(values, (value) => (value > 0 ? Math.log(value) : NaN));
  const logs = decodedLogs;
  const low = Math.log(scale.low);
  const perLog = 1 / (Math.log(scale.high) - low);
  return (code) => {
    if ((values[code] ?? NaN) <= 0) return -Infinity;
    return ((logs[code] ?? NaN) - low) * perLog;
  };
}

/**
 * [65536] the packed colour of every code. "Not reported" is 0, transparent black: who
 * draws puts the hatching there. Rebuilt when scale or theme change, not when data does;
 * while an end of the scale is dragged that is every frame.
 */
export function bakeColourTable(
  scale: ColourScale,
  theme: ThemeName,
  nonFiniteColour: string,
): Uint32Array {
  const table = new Uint32Array(CODE_COUNT);
  const values = valuesOfCodes();
  const positionOf = positionsOfCodes(scale);
  const colourAt = coloursOfPositions(scale, theme);
  for (let code = 1; code < CODE_NON_FINITE; code++) {
    const value = values[code] ?? NaN;
    if (!Number.isNaN(value)) table[code] = colourAt(positionOf(code), value);
  }
  // An exact zero is the lowest blue on a log scale: farther below ε than any value.
  if (scale.kind === 'log') table[CODE_ZERO] = colourRamp(theme, 'below')[0] ?? 0;
  table[CODE_NON_FINITE] = packHex(nonFiniteColour);
  return table;
}

export function scaleTicks(scale: ColourScale, count: number): Tick[] {
  return scale.kind === 'log'
    ? logTicks(scale.low, scale.high, count)
    : linearTicks(scale.low, scale.high, count);
}

export interface ScaleHistogram {
  /** [bins] counts, each divided by the largest. */
  readonly heights: Float64Array;
  /** Shares of the finite values beyond either end. */
  readonly belowShare: number;
  readonly aboveShare: number;
}

/**
 * Distribution along the scale of cells that `countCodes` has counted, for the curve above
 * the colour bar. A scale that is dragged counts none again.
 */
export function prepareScaleHistogram(
  counts: Uint32Array,
  scale: ColourScale,
  bins: number,
): ScaleHistogram {
  const positionOf = positionsOfCodes(scale);
  const heights = new Float64Array(bins);
  let below = 0;
  let above = 0;
  let total = 0;
  for (let code = 1; code < CODE_NON_FINITE; code++) {
    const count = counts[code] ?? 0;
    if (count === 0) continue;
    total += count;
    const at = positionOf(code);
    if (at < 0) {
      // Exact zeros have their own cells; on a log scale they lie beyond every end.
      if (code !== CODE_ZERO) below += count;
    } else if (at > 1) above += count;
    else {
      const bin = Math.min(bins - 1, Math.floor(at * bins));
      heights[bin] = (heights[bin] ?? 0) + count;
    }
  }
  const largest = heights.reduce((most, count) => Math.max(most, count), 0);
  if (largest > 0) heights.forEach((count, bin) => (heights[bin] = count / largest));
  return {
    heights,
    belowShare: total === 0 ? 0 : below / total,
    aboveShare: total === 0 ? 0 : above / total,
  };
}
