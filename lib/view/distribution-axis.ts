/**
 * The x axis of a distribution: linear, or signed-log for updates that span decades.
 *
 * Signed-log is s(x) = sign(x)·log10(1 + |x|/threshold): linear within ±threshold,
 * logarithmic beyond, 0 in the middle. Density on it is drawn per unit of s, so that
 * equal areas are equal shares on either axis.
 */
export type AxisKind = 'linear' | 'signed-log';

export interface DistributionAxis {
  readonly kind: AxisKind;
  /** The axis runs over ±limit, in units of u or r. */
  readonly limit: number;
  /** Where signed-log turns from linear to logarithmic; unused on a linear axis. */
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
/** The share of coordinates allowed into the linear middle of a signed-log axis. */
const SHARE_IN_MIDDLE = 0.01;

/** Where `x` lies on the axis. */
export function toAxis(axis: DistributionAxis, x: number): number {
  if (axis.kind === 'linear') return x;
  return Math.sign(x) * Math.log10(1 + Math.abs(x) / axis.threshold);
}

/** The x at an axis coordinate; inverse of `toAxis`. */
export function fromAxis(axis: DistributionAxis, coordinate: number): number {
  if (axis.kind === 'linear') return coordinate;
  return Math.sign(coordinate) * axis.threshold * (10 ** Math.abs(coordinate) - 1);
}

/**
 * One axis for all panels that stand side by side, so that widths can be compared.
 *
 * Empty  ±1.3
 */
export function prepareDistributionAxis(
  kind: AxisKind,
  inputs: readonly AxisInput[],
): DistributionAxis {
  const limit = Math.max(SMALLEST_LIMIT, ...inputs.map(chooseLimit));
  const threshold = chooseThreshold(inputs);
  const axis: DistributionAxis = { kind, limit, threshold, domain: [-limit, limit] };
  const edge = toAxis(axis, limit);
  return { ...axis, domain: [-edge, edge] };
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

function chooseThreshold(inputs: readonly AxisInput[]): number {
  const candidates = inputs
    .map((input) => magnitudeAtShare(input, SHARE_IN_MIDDLE))
    .filter((magnitude) => magnitude > 0);
  const smallest = Math.min(LARGEST_THRESHOLD, ...candidates);
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

/**
 * Ticks of the axis. Linear: 0, ±1 and the burst marker where it stands clear of them,
 * since these are what a reader compares with. Signed-log: 0 and decades.
 */
export function prepareAxisTicks(
  axis: DistributionAxis,
  burst: number | null,
): readonly AxisTick[] {
  const values = axis.kind === 'linear' ? linearTicks(axis, burst) : logTicks(axis);
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
