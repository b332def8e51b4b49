import { computeHistogramWindow, countBelow } from '../../stats/histogram-window';
import type { ReferenceCurves } from '../../contract/reads';
import {
  fromAxis,
  prepareAxisTicks,
  toAxis,
  type AxisTick,
  type DistributionAxis,
} from './distribution-axis';
import { drawBins, type DrawnBins } from './distribution-bins';
import { formatCount, formatFixed, formatNumber, formatPercent } from '../text/format-number';
import {
  prepareReferenceCurve,
  type CurvePoint,
  type HeightMode,
  type NormalPart,
} from './reference-curve';
import { toHistogram, type CountedDistribution } from './to-histogram';

export type MarkerKind = ReferenceCurves['markers'][number]['kind'];

export interface PanelMarker {
  readonly kind: MarkerKind;
  readonly at: number;
}

/** How a distribution is drawn, the same for all panels that stand side by side. */
export interface PanelStyle {
  readonly axis: DistributionAxis;
  readonly mode: HeightMode;
  readonly curves: ReferenceCurves;
  /** The correlated reference; empty for none. */
  readonly correlated: readonly NormalPart[];
}

/** One distribution as it is drawn: u or r of one layer at one step. */
export interface DistributionPanel {
  /** Left edge and height of each bin, a closing point of height 0; of cumulative shares, corners. */
  readonly outline: readonly CurvePoint[];
  /** The same of the distribution laid over it; empty where there is none. */
  readonly other: readonly CurvePoint[];
  /** Whether outlines are to be joined as steps or straight. */
  readonly isStepped: boolean;
  readonly healthy: readonly CurvePoint[];
  readonly correlated: readonly CurvePoint[];
  readonly markers: readonly PanelMarker[];
  readonly ticks: readonly (AxisTick & { readonly label: string })[];
  readonly domain: readonly [number, number];
  /** The panel's own: panels share the x axis and compare shapes, not heights. */
  readonly maxHeight: number;
  /** What the highest point stands for: "top 412", and of what: "coordinates a bin". */
  readonly heightNote: { readonly text: string; readonly unit: string };
  readonly zeroShare: number;
  /** "12 096 coordinates", "3 456 exactly 0", … what no curve shows. */
  readonly notes: readonly string[];
  readonly nonFiniteCount: number;
  /** Everything in the panel as one sentence for those who do not see it. */
  readonly description: string;
}

/** Air above the highest point, so that a peak is seen to end. */
const HEADROOM = 1.04;

/** Ticks as the pictures write them: 1, −0.45, powers of ten on a log axis. */
export function formatTick(value: number, kind: DistributionAxis['kind']): string {
  if (value === 0) return '0';
  if (kind === 'linear') return formatFixed(value, 2).replace(/\.?0+$/, '');
  const exponent = Math.round(Math.log10(Math.abs(value)));
  const sign = value < 0 ? '−' : '';
  if (exponent >= -1 && exponent <= 1)
    return sign + String(Number((10 ** exponent).toPrecision(1)));
  return `${sign}10${superscript(exponent)}`;
}

const SUPERSCRIPTS: Readonly<Record<string, string>> = {
  '-': '⁻',
  '0': '⁰',
  '1': '¹',
  '2': '²',
  '3': '³',
  '4': '⁴',
  '5': '⁵',
  '6': '⁶',
  '7': '⁷',
  '8': '⁸',
  '9': '⁹',
};

function superscript(value: number): string {
  return Array.from(String(value), (character) => SUPERSCRIPTS[character] ?? character).join('');
}

/** The positive place of a marker, if theory has one for this run's betas. */
export function markerPlace(curves: ReferenceCurves, kind: MarkerKind): number | null {
  const found = curves.markers.find((marker) => marker.kind === kind && marker.at > 0);
  return found?.at ?? null;
}

/**
 * Prepares a panel; `other` is laid over it.
 *
 * Units  heights are shares per unit of the axis (density), coordinates a bin (counts) or
 *        shares up to here (cumulative)
 * Empty  no finite coordinate: an outline of height 0 and a note that says so
 */
export function prepareDistributionPanel(
  name: string,
  distribution: CountedDistribution,
  style: PanelStyle,
  other: CountedDistribution | null = null,
): DistributionPanel {
  const { axis, mode, curves } = style;
  const drawn = drawBins(distribution, axis);
  const outline = toOutline(distribution, drawn, axis, mode);
  const otherOutline = other === null ? [] : toOutline(other, drawBins(other, axis), axis, mode);
  const healthy = prepareHealthy(style, drawn);
  const correlated =
    drawn.finiteCount === 0 ? [] : prepareReferenceCurve(axis, style.correlated, mode, drawn);
  const highest = [outline, otherOutline, healthy, correlated].reduce(
    (top, points) => points.reduce((most, { height }) => Math.max(most, height), top),
    0,
  );
  const burst = markerPlace(curves, 'single_burst');
  const notes = describeOutside(distribution, drawn, axis);
  return {
    outline,
    other: otherOutline,
    isStepped: mode !== 'cumulative',
    healthy,
    correlated,
    markers: placeMarkers(curves, axis),
    ticks: prepareAxisTicks(axis, burst).map((tick) => ({
      ...tick,
      label: formatTick(tick.value, axis.kind),
    })),
    domain: axis.domain,
    maxHeight: highest * HEADROOM || 1,
    heightNote: describeHeight(mode, axis, highest),
    zeroShare: drawn.finiteCount === 0 ? 0 : distribution.zeros / drawn.finiteCount,
    notes,
    nonFiniteCount: distribution.nonFinite,
    description: `${name}: ${notes.join(', ')}.`,
  };
}

function placeMarkers(
  { markers }: ReferenceCurves,
  axis: DistributionAxis,
): readonly PanelMarker[] {
  const [first, last] = axis.domain;
  return markers
    .flatMap(({ kind, at }) => [
      { kind, at: toAxis(axis, at) },
      { kind, at: toAxis(axis, -at) },
    ])
    .filter(
      ({ kind, at }, index, all) =>
        at > first &&
        at < last &&
        all.findIndex((other) => other.kind === kind && Math.abs(other.at - at) < 1e-9) === index,
    );
}

function prepareHealthy(
  { curves, axis, mode }: PanelStyle,
  drawn: DrawnBins,
): readonly CurvePoint[] {
  const std = curves.healthyStd;
  if (std === null || std <= 0 || drawn.finiteCount === 0) return [];
  return prepareReferenceCurve(axis, [{ weight: 1, mean: 0, std }], mode, drawn);
}

const UNIT_OF_AXIS = {
  linear: 'share per unit',
  log: 'share per decade',
  'signed-log': 'share per decade',
} as const;

function describeHeight(
  mode: HeightMode,
  { kind }: DistributionAxis,
  highest: number,
): DistributionPanel['heightNote'] {
  if (mode === 'cumulative') return { text: `top ${formatPercent(1)}`, unit: 'of coordinates' };
  if (mode === 'counts') return { text: `top ${formatCount(highest)}`, unit: 'coordinates a bin' };
  return { text: `top ${formatNumber(highest)}`, unit: UNIT_OF_AXIS[kind] };
}

function toOutline(
  distribution: CountedDistribution,
  drawn: DrawnBins,
  axis: DistributionAxis,
  mode: HeightMode,
): readonly CurvePoint[] {
  const { bins } = drawn;
  const first = bins[0];
  const last = bins.at(-1);
  if (first === undefined || last === undefined) return [];
  if (mode === 'cumulative') return cumulate(distribution, drawn, axis);
  return [
    { at: first.leftEdge, height: 0 },
    ...bins.map(({ leftEdge, count, density }) => ({
      at: leftEdge,
      height: mode === 'counts' ? count : density,
    })),
    { at: last.rightEdge, height: 0 },
  ];
}

/** Shares up to each drawn edge, from one end of the axis to the other; zeros are a step at 0. */
function cumulate(
  distribution: CountedDistribution,
  { bins, finiteCount }: DrawnBins,
  axis: DistributionAxis,
): readonly CurvePoint[] {
  if (finiteCount === 0) return [];
  const { underflow, zeros } = distribution;
  const histogram = toHistogram(distribution);
  const { below } = computeHistogramWindow(histogram);
  const countUpTo = (x: number): number => countBelow(histogram.edges, below, x);
  const shareAt = (x: number, withZeros: boolean): number =>
    axis.kind === 'log'
      ? (zeros + countUpTo(x) - countUpTo(-x)) / finiteCount
      : (underflow + countUpTo(x) + (withZeros ? zeros : 0)) / finiteCount;
  const [first, last] = axis.domain;
  const places = [
    first,
    ...bins.map(({ leftEdge }) => leftEdge),
    bins.at(-1)?.rightEdge ?? last,
    last,
  ];
  const points: CurvePoint[] = [];
  for (const at of places) {
    const x = fromAxis(axis, at);
    const before = points.at(-1);
    if (before !== undefined && at <= before.at) continue;
    if (zeros > 0 && axis.kind !== 'log' && x >= 0 && (before?.at ?? 0) < 0) {
      points.push({ at: 0, height: shareAt(0, false) }, { at: 0, height: shareAt(0, true) });
      if (x === 0) continue;
    }
    points.push({ at, height: shareAt(x, x > 0) });
  }
  return points;
}

function describeOutside(
  { underflow, overflow, zeros, nonFinite, edges }: CountedDistribution,
  { finiteCount, countBeyond, countUnder }: DrawnBins,
  axis: DistributionAxis,
): readonly string[] {
  const notes = [`${formatCount(finiteCount)} finite`];
  if (zeros > 0) notes.push(`${formatPercent(zeros / finiteCount)} exactly 0`);
  if (Math.round(countUnder) > 0)
    notes.push(
      `${formatPercent(countUnder / finiteCount)} under ${formatTick(axis.threshold, 'log')}`,
    );
  if (underflow > 0)
    notes.push(`${formatCount(underflow)} under ${formatTick(edges[0] ?? 0, 'linear')}`);
  if (overflow > 0)
    notes.push(`${formatCount(overflow)} over ${formatTick(edges.at(-1) ?? 0, 'linear')}`);
  const unseen = Math.round(countBeyond - underflow - overflow);
  if (unseen > 0) notes.push(`${formatCount(unseen)} beyond ±${formatTick(axis.limit, 'linear')}`);
  if (nonFinite > 0) notes.push(`${formatCount(nonFinite)} not finite`);
  return notes;
}
