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

/** A rectangle of the plot, as CSS takes it. */
export interface PlotBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The rectangle of a stretch along the steps and one across them. */
export function boxOf(
  { orientation }: Pick<PlotGeometry, 'orientation'>,
  along: Lane,
  across: Lane,
): PlotBox {
  const [x, y] = orientation === 'steps-right' ? [along, across] : [across, along];
  return { left: x.start, top: y.start, width: x.size, height: y.size };
}

/** A canvas over the steps and a stretch across them, at the screen's own pixels. */
export interface CanvasPlace {
  readonly stepPixels: number;
  readonly acrossPixels: number;
  readonly width: number;
  readonly height: number;
  readonly style: PlotBox & { readonly position: 'absolute' };
}

export function placeCanvas(geometry: PlotGeometry, across: Lane): CanvasPlace {
  const { orientation, stepLane, devicePixelRatio: ratio } = geometry;
  const stepPixels = Math.round(stepLane.size * ratio);
  const acrossPixels = Math.round(across.size * ratio);
  const [width, height] =
    orientation === 'steps-right' ? [stepPixels, acrossPixels] : [acrossPixels, stepPixels];
  const { left, top } = boxOf(geometry, stepLane, across);
  // In CSS pixels its lane may end between two of the screen's: the canvas never does.
  const style = { left, top, width: width / ratio, height: height / ratio };
  return { stepPixels, acrossPixels, width, height, style: { position: 'absolute', ...style } };
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
