import { colourRamp, RAMP_LENGTH, type ThemeName } from '../colours/colour-ramp';
import { columnExtent, usualInterval } from './raster-columns';
import type { AxisPiece } from './heatmap-tiles';
import { edgePixels, type StepAxis } from '../axes/step-axis';

export interface StripColumns {
  readonly fromStep: Float64Array;
  readonly toStep: Float64Array;
  readonly loss: Float32Array;
}

/**
 * The strip of log perplexity along the heatmap, [length] packed colours: the largest
 * loss in nats of each pixel, linear from 0 (or the lowest, when negative) to the highest
 * loss reported, so that the paper's grey stands for the same loss at every zoom. 0 where
 * nothing finite was reported.
 */
export function rasteriseStrip(
  columns: StripColumns,
  axis: StepAxis,
  length: number,
  theme: ThemeName,
  /** What is drawn in their place where they are coarser than pixels. */
  pieces: readonly AxisPiece<StripColumns>[] = [{ columns, low: -Infinity, high: Infinity }],
): Uint32Array {
  let [low, high] = [0, 0];
  for (const value of columns.loss) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const largest = new Float64Array(length).fill(NaN);
  const edge = edgePixels(axis, length);
  for (const piece of pieces) {
    const { fromStep, loss } = piece.columns;
    const interval = usualInterval(fromStep);
    for (let column = 0; column < fromStep.length; column++) {
      const value = loss[column] ?? NaN;
      if (!Number.isFinite(value)) continue;
      const extent = columnExtent(piece.columns, interval, column, piece.high + 0.5);
      const [left, right] = [Math.max(piece.low, extent[0]), Math.min(piece.high, extent[1])];
      if (right <= Math.max(axis.low, left) || left >= axis.high) continue;
      const first = Math.max(0, Math.floor(edge(left, 'begins') + 1e-6));
      const end = Math.min(length, Math.max(first + 1, Math.floor(edge(right, 'ends') + 1e-6)));
      for (let pixel = first; pixel < end; pixel++) {
        const known = largest[pixel] ?? NaN;
        if (!(known >= value)) largest[pixel] = value;
      }
    }
  }
  const ramp = colourRamp(theme, 'strip');
  return Uint32Array.from(largest, (value) => {
    if (Number.isNaN(value)) return 0;
    const share = high === low ? 0 : Math.max(0, (value - low) / (high - low));
    return ramp[Math.round(share * (RAMP_LENGTH - 1))] ?? 0;
  });
}
