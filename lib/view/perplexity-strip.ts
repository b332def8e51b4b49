import { colourRamp, RAMP_LENGTH, type ThemeName } from './colour-ramp';
import { columnExtent, usualInterval } from './heatmap-raster';
import type { StepAxis } from './step-axis';

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
): Uint32Array {
  const { fromStep, loss } = columns;
  const largest = new Float64Array(length).fill(NaN);
  const perStep = length / (axis.high - axis.low);
  const interval = usualInterval(fromStep);
  let low = 0;
  let high = 0;
  for (let column = 0; column < fromStep.length; column++) {
    const value = loss[column] ?? NaN;
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
    const [left, right] = columnExtent(columns, interval, column);
    if (right <= axis.low || left >= axis.high) continue;
    const first = Math.max(0, Math.floor((left - axis.low) * perStep + 1e-6));
    const end = Math.min(
      length,
      Math.max(first + 1, Math.floor((right - axis.low) * perStep + 1e-6)),
    );
    for (let pixel = first; pixel < end; pixel++) {
      const known = largest[pixel] ?? NaN;
      if (!(known >= value)) largest[pixel] = value;
    }
  }
  const ramp = colourRamp(theme, 'strip');
  return Uint32Array.from(largest, (value) => {
    if (Number.isNaN(value)) return 0;
    const share = high === low ? 0 : (value - low) / (high - low);
    return ramp[Math.round(share * (RAMP_LENGTH - 1))] ?? 0;
  });
}
