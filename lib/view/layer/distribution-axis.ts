/**
 * The x axis of a distribution: linear; signed-log for updates that span decades; log for
 * their magnitudes, both signs folded together.
 *
 * Signed-log is s(x) = sign(x)·log10(1 + |x|/threshold): linear within ±threshold,
 * logarithmic beyond, 0 in the middle. Log is s(x) = log10|x| from the threshold on.
 * Density is drawn per unit of s, so that equal areas are equal shares on every axis.
 */
export const AXIS_KINDS = ['linear', 'log', 'signed-log'] as const;
export type AxisKind = (typeof AXIS_KINDS)[number];

export interface DistributionAxis {
  readonly kind: AxisKind;
  /** The axis runs over ±limit, in units of u or r; a log axis up to it. */
  readonly limit: number;
  /** Where signed-log turns from linear to logarithmic and log begins; unused on a linear axis. */
  readonly threshold: number;
  /** [first, last] axis coordinate. */
  readonly domain: readonly [number, number];
}

/** What decides the range: one posted histogram and where theory puts its marks. */
export interface AxisInput {
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

/** ±1 with air beside it: what nearly every healthy or bimodal layer needs. */
const SMALLEST_LIMIT = 1.3;
/** Limits are steps of a ladder, so that moving a step by one seldom moves the axis. */
const LIMIT_LADDER = [SMALLEST_LIMIT, 2, 3.5, 5, 8, 12, 20, 50, 100] as const;
/** The share of coordinates that may lie beyond the axis; it is said in words. */
const SHARE_BEYOND = 0.002;
/** Below it a log axis would show the histogram's own bins, not the data. */
const LARGEST_THRESHOLD = 0.01;
const SMALLEST_THRESHOLD = 1e-12;
/** A log axis is never without a decade below the limit. */
const LARGEST_LOW_END = 0.1;
/** The share of coordinates allowed into the linear middle of a signed-log axis. */
const SHARE_IN_MIDDLE = 0.01;

/** Where `x` lies on the axis; −∞ for 0 on a log axis. */
export function toAxis(axis: DistributionAxis, x: number): number {
  if (axis.kind === 'linear') return x;
  if (axis.kind === 'log') return Math.log10(Math.abs(x));
  return Math.sign(x) * Math.log10(1 + Math.abs(x) / axis.threshold);
}

/** The x at an axis coordinate; inverse of `toAxis`, the positive one on a log axis. */
export function fromAxis(axis: DistributionAxis, coordinate: number): number {
  if (axis.kind === 'linear') return coordinate;
  if (axis.kind === 'log') return 10 ** coordinate;
  return Math.sign(coordinate) * axis.threshold * (10 ** Math.abs(coordinate) - 1);
}

/** dx/ds: what turns a density per x into one per unit of the axis. */
export function stretchAt(axis: DistributionAxis, coordinate: number): number {
  if (axis.kind === 'linear') return 1;
  if (axis.kind === 'log') return 10 ** coordinate * Math.LN10;
  return axis.threshold * 10 ** Math.abs(coordinate) * Math.LN10;
}

/**
 * One axis for all panels that stand side by side, so that widths can be compared. `own`:
 * those that decide where decades begin, since u and r are posted in bins of their own.
 *
 * Empty  ±1.3
 */
export function prepareDistributionAxis(
  kind: AxisKind,
  inputs: readonly AxisInput[],
  own: readonly AxisInput[] = inputs,
): DistributionAxis {
  const limit = Math.max(SMALLEST_LIMIT, ...inputs.map(chooseLimit));
  const threshold = kind === 'log' ? chooseLowEnd(own) : chooseThreshold(own);
  const axis: DistributionAxis = { kind, limit, threshold, domain: [-limit, limit] };
  const edge = toAxis(axis, limit);
  return { ...axis, domain: [kind === 'log' ? toAxis(axis, threshold) : -edge, edge] };
}

/** Bins by the magnitude of their farther edge, rising. */
function binsByMagnitude({ edges, counts }: AxisInput): { magnitude: number; count: number }[] {
  return counts
    .map((count, i) => ({
      magnitude: Math.max(Math.abs(edges[i] ?? 0), Math.abs(edges[i + 1] ?? 0)),
      count,
    }))
    .sort((a, b) => a.magnitude - b.magnitude);
}

function magnitudeAtShare(input: AxisInput, share: number): number {
  const bins = binsByMagnitude(input);
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  let below = 0;
  for (const { magnitude, count } of bins) {
    below += count;
    if (below > 0 && below >= share * total) return magnitude;
  }
  return 0;
}

function chooseLimit(input: AxisInput): number {
  const reach = magnitudeAtShare(input, 1 - SHARE_BEYOND);
  const widest = Math.max(...LIMIT_LADDER);
  return LIMIT_LADDER.find((limit) => limit >= reach) ?? Math.max(widest, reach);
}

function smallestMagnitude(inputs: readonly AxisInput[]): number {
  const candidates = inputs
    .map((input) => magnitudeAtShare(input, SHARE_IN_MIDDLE))
    .filter((magnitude) => magnitude > 0);
  return Math.min(LARGEST_THRESHOLD, ...candidates);
}

/** A whole decade, with all but a hundredth of the coordinates above it. */
function chooseLowEnd(inputs: readonly AxisInput[]): number {
  const resolution = Math.max(0, ...inputs.map(widthBesideZero));
  const smallest = Math.max(smallestMagnitude(inputs), resolution, SMALLEST_THRESHOLD);
  return Math.min(LARGEST_LOW_END, 10 ** Math.floor(Math.log10(smallest) + 1e-9));
}

function chooseThreshold(inputs: readonly AxisInput[]): number {
  const smallest = smallestMagnitude(inputs);
  // Finer than the bins beside 0 there is nothing to see: one bin would fill half the axis.
  const resolution = Math.max(0, ...inputs.map(widthBesideZero));
  return Math.max(
    10 ** Math.floor(Math.log10(Math.max(smallest, SMALLEST_THRESHOLD)) + 1e-9),
    10 ** Math.ceil(Math.log10(Math.max(resolution, SMALLEST_THRESHOLD)) - 1e-9),
  );
}

/** The farther edge of the narrower bin beside 0. */
function widthBesideZero({ edges }: AxisInput): number {
  const magnitudes = edges.map(Math.abs).filter((magnitude) => magnitude > 0);
  return magnitudes.length === 0 ? 0 : Math.min(...magnitudes);
}

export interface AxisTick {
  readonly at: number;
  readonly value: number;
}

/** A label of 32 px on half a panel of 131 px, as a share. */
const LOG_TICK_SPACING = 0.25;
/** The same on a whole panel, which is what a log axis has. */
const MOST_DECADE_TICKS = 7;

/**
 * Ticks of the axis. Linear: 0, ±1 and the burst marker where it stands clear of them,
 * since these are what a reader compares with. Signed-log: 0 and decades. Log: decades.
 */
export function prepareAxisTicks(
  axis: DistributionAxis,
  burst: number | null,
): readonly AxisTick[] {
  const values =
    axis.kind === 'linear'
      ? linearTicks(axis, burst)
      : axis.kind === 'log'
        ? decadeTicks(axis)
        : logTicks(axis);
  return values.map((value) => ({ value, at: toAxis(axis, value) }));
}

function linearTicks({ limit }: DistributionAxis, burst: number | null): readonly number[] {
  const positive = limit <= 3.5 ? [1] : [niceStep(limit)];
  const clear = 0.16 * limit;
  if (burst !== null && burst < limit && burst > clear)
    if (positive.every((value) => Math.abs(value - burst) > clear)) positive.push(burst);
  positive.sort((a, b) => a - b);
  return [...positive.map((value) => -value).reverse(), 0, ...positive];
}

function niceStep(limit: number): number {
  const power = 10 ** Math.floor(Math.log10(limit / 1.5));
  return [5, 2, 1].map((factor) => factor * power).find((step) => step <= limit / 1.5) ?? power;
}

function logTicks(axis: DistributionAxis): readonly number[] {
  const edge = toAxis(axis, axis.limit);
  const positive: number[] = [];
  // From the outer end inwards, as far as labels stay apart from each other and from 0.
  let last = Infinity;
  for (let decade = Math.floor(Math.log10(axis.limit)); decade > -13; decade--) {
    const at = toAxis(axis, 10 ** decade) / edge;
    if (at < LOG_TICK_SPACING) break;
    if (last - at < LOG_TICK_SPACING) continue;
    positive.unshift(10 ** decade);
    last = at;
  }
  return [...positive.map((value) => -value).reverse(), 0, ...positive];
}

function decadeTicks({ domain: [first, last] }: DistributionAxis): readonly number[] {
  const low = Math.round(first);
  const high = Math.floor(last + 1e-9);
  const every = Math.ceil((high - low + 1) / MOST_DECADE_TICKS);
  const ticks: number[] = [];
  // From 1 outwards: where decades are left out, ±1 stays.
  for (let decade = low; decade <= high; decade++)
    if (decade % every === 0) ticks.push(Number(`1e${decade}`));
  return ticks;
}
