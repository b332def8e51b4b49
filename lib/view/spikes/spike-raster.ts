/** The small layer × step heatmap of a postmortem, under its timeline and on the same axis. */
import type { HeatmapColumns } from '../../contract/heatmap-columns';
import { colourRamp, RAMP_LENGTH, type ThemeName } from '../colours/colour-ramp';
import { SPIKE_GUTTER } from './spike-timeline';

/** What a value stands for. */
export type RasterScale =
  | {
      readonly kind: 'magnitude';
      /** Finite positive values; null where there are none. */
      readonly low: number | null;
      readonly high: number | null;
      /** Below it the other ramp begins; null for a metric without. */
      readonly level: number | null;
    }
  /** Packed colours by the value itself. */
  | { readonly kind: 'category'; readonly colours: readonly number[] };

export interface RasterRequest {
  readonly columns: Pick<
    HeatmapColumns,
    'layerCount' | 'columnCount' | 'fromStep' | 'values' | 'nonFinite'
  >;
  readonly fromStep: number;
  readonly toStep: number;
  readonly scale: RasterScale;
  readonly theme: ThemeName;
  readonly nonFiniteColour: number;
  /** Device pixels of the plot, the gutter not included. */
  readonly width: number;
  readonly height: number;
}

/** From the smallest to the largest positive finite value. */
export function magnitudeScale(
  values: ArrayLike<number>,
  level: number | null,
): Extract<RasterScale, { kind: 'magnitude' }> {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    if (!(value > 0) || value === Infinity) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high < low
    ? { kind: 'magnitude', low: null, high: null, level }
    : { kind: 'magnitude', low, high, level };
}

/**
 * [height · width] packed colours; 0, which is transparent, where nothing was reported.
 * Layers and steps that share a pixel show the largest of them, and a non-finite value wins.
 */
export function drawSpikeRaster(request: RasterRequest): Uint32Array {
  const { columns, width, height, scale, nonFiniteColour } = request;
  const { layerCount, columnCount, values, nonFinite } = columns;
  const pixels = new Uint32Array(width * height);
  if (layerCount === 0 || columnCount === 0) return pixels;
  const colourOf = colourOfScale(scale, request.theme);
  const columnOfX = columnsUnder(request);
  for (let y = 0; y < height; y++) {
    const first = Math.floor((y / height) * layerCount);
    const end = Math.max(first + 1, Math.floor(((y + 1) / height) * layerCount));
    for (let x = 0; x < width; x++) {
      const [from, to] = columnOfX[x] ?? [0, -1];
      let most = NaN;
      let isNonFinite = false;
      for (let layer = first; layer < end; layer++) {
        for (let column = from; column <= to; column++) {
          const at = layer * columnCount + column;
          isNonFinite ||= (nonFinite[at] ?? 0) > 0;
          const value = values[at] ?? NaN;
          if (!(value <= most) && !Number.isNaN(value)) most = value;
        }
      }
      pixels[y * width + x] = isNonFinite
        ? nonFiniteColour
        : Number.isNaN(most)
          ? 0
          : colourOf(most);
    }
  }
  return pixels;
}

/** Of each pixel the first and last column that lie on it. */
function columnsUnder({
  columns: { columnCount, fromStep },
  fromStep: first,
  toStep: last,
  width,
}: RasterRequest): (readonly [number, number])[] {
  const span = last - first + 1;
  const columnOf = (step: number): number => {
    let low = 0;
    let high = columnCount;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((fromStep[middle] ?? Infinity) <= step) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  };
  return Array.from({ length: width }, (_, x) => {
    const from = columnOf(first + (x / width) * span);
    const to = columnOf(first + ((x + 1) / width) * span - 1e-9);
    // What lies before the first report is not reported.
    return from < 0 ? ([Math.max(0, from), to] as const) : ([from, to] as const);
  });
}

/** The packed colour of a value. */
export function colourOfScale(scale: RasterScale, theme: ThemeName): (value: number) => number {
  if (scale.kind === 'category') return (value) => scale.colours[value] ?? 0;
  const above = colourRamp(theme, 'above');
  const below = colourRamp(theme, 'below');
  const { low, high, level } = scale;
  const lowest = low === null ? 0 : Math.log10(low);
  const highest = high === null ? 0 : Math.log10(high);
  const border = level !== null && level > 0 ? Math.log10(level) : null;
  const pick = (ramp: Uint32Array, from: number, to: number, at: number): number => {
    const share = to > from ? (at - from) / (to - from) : 0.5;
    return ramp[Math.round(Math.min(1, Math.max(0, share)) * (RAMP_LENGTH - 1))] ?? 0;
  };
  return (value) => {
    const at = value > 0 ? Math.log10(value) : -Infinity;
    if (border === null) return pick(above, lowest, highest, at);
    return at < border
      ? pick(below, Math.min(lowest, border), border, at)
      : pick(above, Math.max(lowest, border), Math.max(highest, border), at);
  };
}

export const plotWidth = (widthPx: number): number => Math.max(1, widthPx - SPIKE_GUTTER);
