import type { BandSource } from './banded-columns';
import type { AxisPiece } from './heatmap-tiles';
import type { LayerBand } from '../axes/layer-axis';
import type { StepAxis } from '../axes/step-axis';

/** Columns of a heatmap and where each of them begins and ends along the steps. */
export interface RasterColumns extends BandSource {
  readonly fromStep: Float64Array;
  readonly toStep: Float64Array;
  /** The code of an exact zero, where it is another than that of `magnitude-code.ts`. */
  readonly zeroCode?: number;
}

/** Columns for a part of the axis; the pieces of a picture ascend and lie side by side. */
export type RasterPiece = AxisPiece<RasterColumns>;

/** A picture of one set of columns. */
export function wholeAxis<C>(columns: C): readonly AxisPiece<C>[] {
  return [{ columns, low: -Infinity, high: Infinity }];
}

export interface RasterPlot {
  readonly axis: StepAxis;
  /** Device pixels along the steps and across the layers. */
  readonly stepPixels: number;
  readonly layerPixels: number;
  readonly bands: readonly LayerBand[];
  /** Row → layer index. */
  readonly layerOfRow: readonly number[];
  readonly orientation: 'steps-right' | 'steps-down';
}

/** The usual distance between reported steps: the median over up to 256 neighbours. */
export function usualInterval(fromStep: Float64Array): number {
  const stride = Math.max(1, Math.floor(fromStep.length / 256));
  const distances: number[] = [];
  for (let i = stride; i < fromStep.length; i += stride) {
    distances.push(((fromStep[i] ?? 0) - (fromStep[i - stride] ?? 0)) / stride);
  }
  distances.sort((a, b) => a - b);
  return distances[distances.length >> 1] ?? 1;
}

/** Where a column begins and ends on the axis, in steps: up to the next one, unless steps are missing. */
export function columnExtent(
  { fromStep, toStep }: Pick<RasterColumns, 'fromStep' | 'toStep'>,
  interval: number,
  column: number,
  /** The first step after these columns. */
  stepAfter = Infinity,
): readonly [number, number] {
  const left = (fromStep[column] ?? 0) - 0.5;
  const next = (fromStep[column + 1] ?? stepAfter) - 0.5;
  const own = (toStep[column] ?? 0) + 0.5;
  if (next === Infinity) return [left, Math.max(own, left + Math.min(interval, 1))];
  return [left, next - own < 1.5 * interval ? next : own];
}

/** The columns that a piece shows: those with steps in it. */
export function columnsOfPiece({ columns, low, high }: RasterPiece): readonly [number, number] {
  const { fromStep, toStep } = columns;
  let first = 0;
  let end = fromStep.length;
  if (low !== -Infinity) first = firstAbove(toStep, low);
  if (high !== Infinity) end = firstAbove(fromStep, high);
  return [first, Math.max(first, end)];
}

/** The first index of an ascending array whose value is above the limit. */
function firstAbove(ascending: Float64Array, limit: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where the columns go on after a piece; Infinity where they end. */
export function nextStep(pieces: readonly RasterPiece[], from: number): number {
  for (const piece of pieces.slice(from)) {
    const [first, end] = columnsOfPiece(piece);
    if (first < end) return Math.max(piece.columns.fromStep[first] ?? Infinity, piece.low + 0.5);
  }
  return Infinity;
}
