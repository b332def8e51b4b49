import type { ReferenceCurves } from '../contract/reads';
import {
  prepareAxisTicks,
  toAxis,
  type AxisTick,
  type DistributionAxis,
} from './distribution-axis';
import { drawBins, type CountedDistribution } from './distribution-bins';
import { formatCount, formatFixed, formatPercent } from './format-number';
import { prepareNormalCounts, prepareNormalDensity, type CurvePoint } from './healthy-normal';

export type HeightMode = 'density' | 'counts';
export type MarkerKind = ReferenceCurves['markers'][number]['kind'];

export interface PanelMarker {
  readonly kind: MarkerKind;
  readonly at: number;
}

/** One distribution as it is drawn: u or r of one layer at one step. */
export interface DistributionPanel {
  /** Left edge and height of each bin, a closing point of height 0; to be joined as steps. */
  readonly outline: readonly CurvePoint[];
  readonly healthy: readonly CurvePoint[];
  readonly markers: readonly PanelMarker[];
  readonly ticks: readonly (AxisTick & { readonly label: string })[];
  readonly domain: readonly [number, number];
  /** The panel's own: panels share the x axis and compare shapes, not heights. */
  readonly maxHeight: number;
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
 * Prepares a panel.
 *
 * Units  heights are shares per unit of the axis (density) or coordinates a bin (counts)
 * Empty  no finite coordinate: an outline of height 0 and a note that says so
 */
export function prepareDistributionPanel(
  name: string,
  distribution: CountedDistribution,
  curves: ReferenceCurves,
  axis: DistributionAxis,
  mode: HeightMode,
): DistributionPanel {
  const drawn = drawBins(distribution, axis);
  const heights = drawn.bins.map(({ count, density }) => (mode === 'counts' ? count : density));
  const healthy = prepareHealthy(curves.healthyStd, axis, mode, drawn);
  const [first, last] = axis.domain;
  const markers = curves.markers
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
  const burst = markerPlace(curves, 'single_burst');
  const zeroShare = drawn.finiteCount === 0 ? 0 : distribution.zeros / drawn.finiteCount;
  const notes = describeOutside(distribution, drawn.finiteCount, drawn.countBeyond, axis);
  return {
    outline: toOutline(drawn.bins, heights),
    healthy,
    markers,
    ticks: prepareAxisTicks(axis, burst).map((tick) => ({
      ...tick,
      label: formatTick(tick.value, axis.kind),
    })),
    domain: axis.domain,
    maxHeight: Math.max(0, ...heights, ...healthy.map(({ height }) => height)) * HEADROOM || 1,
    zeroShare,
    notes,
    nonFiniteCount: distribution.nonFinite,
    description: `${name}: ${notes.join(', ')}.`,
  };
}

function prepareHealthy(
  std: number | null,
  axis: DistributionAxis,
  mode: HeightMode,
  drawn: ReturnType<typeof drawBins>,
): readonly CurvePoint[] {
  if (std === null || std <= 0 || drawn.finiteCount === 0) return [];
  return mode === 'density'
    ? prepareNormalDensity(axis, std)
    : prepareNormalCounts(axis, drawn, std);
}

function toOutline(
  bins: readonly { leftEdge: number; rightEdge: number }[],
  heights: readonly number[],
): readonly CurvePoint[] {
  const first = bins[0];
  const last = bins.at(-1);
  if (first === undefined || last === undefined) return [];
  return [
    { at: first.leftEdge, height: 0 },
    ...bins.map(({ leftEdge }, i) => ({ at: leftEdge, height: heights[i] ?? 0 })),
    { at: last.rightEdge, height: 0 },
  ];
}

function describeOutside(
  { underflow, overflow, zeros, nonFinite, edges }: CountedDistribution,
  finiteCount: number,
  countBeyond: number,
  axis: DistributionAxis,
): readonly string[] {
  const notes = [`${formatCount(finiteCount)} finite`];
  if (zeros > 0) notes.push(`${formatPercent(zeros / finiteCount)} exactly 0`);
  if (underflow > 0)
    notes.push(`${formatCount(underflow)} under ${formatTick(edges[0] ?? 0, 'linear')}`);
  if (overflow > 0)
    notes.push(`${formatCount(overflow)} over ${formatTick(edges.at(-1) ?? 0, 'linear')}`);
  const unseen = Math.round(countBeyond - underflow - overflow);
  if (unseen > 0) notes.push(`${formatCount(unseen)} beyond ±${formatTick(axis.limit, 'linear')}`);
  if (nonFinite > 0) notes.push(`${formatCount(nonFinite)} not finite`);
  return notes;
}
