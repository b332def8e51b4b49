import { bandOfRow, rowAtPixel, type LayerAxis } from '@/lib/view/axes/layer-axis';
import { pixelOfStep, stepOfPixel, type StepAxis } from '@/lib/view/axes/step-axis';

/** A stretch along one side of the plot, in CSS pixels. */
export interface Lane {
  readonly start: number;
  readonly size: number;
}

/**
 * Where steps and layers lie on the surface that the pointer moves over; the same for
 * both layouts, which differ in which of the two runs to the right.
 */
export interface PlotGeometry {
  readonly orientation: 'steps-right' | 'steps-down';
  readonly axis: StepAxis;
  readonly layerAxis: LayerAxis;
  /** Row → layer index. */
  readonly layerOfRow: readonly number[];
  readonly devicePixelRatio: number;
  /** Steps run along this lane, layers along the other. */
  readonly stepLane: Lane;
  readonly layerLane: Lane;
  /** Where lines along the layers' direction begin and end: timelines included. */
  readonly crossLane: Lane;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

const alongSteps = ({ orientation }: PlotGeometry, { x, y }: Point): number =>
  orientation === 'steps-right' ? x : y;
const alongLayers = ({ orientation }: PlotGeometry, { x, y }: Point): number =>
  orientation === 'steps-right' ? y : x;

export function stepAt(geometry: PlotGeometry, point: Point): number {
  const { axis, stepLane } = geometry;
  return stepOfPixel(axis, stepLane.size, alongSteps(geometry, point) - stepLane.start);
}

/** The layer under a point of the heatmap; null beside it, as on a timeline. */
export function layerAt(geometry: PlotGeometry, point: Point): number | null {
  const { layerLane, layerAxis, layerOfRow, devicePixelRatio } = geometry;
  const offset = alongLayers(geometry, point) - layerLane.start;
  if (offset < 0 || offset >= layerLane.size) return null;
  const row = rowAtPixel(layerAxis, offset * devicePixelRatio);
  return row === null ? null : (layerOfRow[row] ?? null);
}

/** A cell's middle and size along both directions, on the surface; null for a layer filtered out. */
export function cellOf(
  geometry: PlotGeometry,
  step: number,
  layer: number,
): {
  readonly stepMiddle: number;
  readonly stepSize: number;
  readonly layerMiddle: number;
  readonly layerSize: number;
} | null {
  const { axis, stepLane, layerLane, layerAxis, layerOfRow, devicePixelRatio } = geometry;
  const row = layerOfRow.indexOf(layer);
  const band = row === -1 ? null : bandOfRow(layerAxis, row);
  if (band === null) return null;
  const pixelOf = (at: number) => pixelOfStep(axis, stepLane.size, at);
  return {
    stepMiddle: stepLane.start + pixelOf(step),
    stepSize: pixelOf(step + 0.5) - pixelOf(step - 0.5),
    layerMiddle: layerLane.start + (band.start + band.end) / 2 / devicePixelRatio,
    layerSize: (band.end - band.start) / devicePixelRatio,
  };
}
