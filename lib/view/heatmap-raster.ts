import type { LayerBand } from './layer-axis';
import { CODE_NON_FINITE, CODE_ZERO } from './magnitude-code';
import type { StepAxis } from './step-axis';

/**
 * The heatmap as pixels: codes → the largest code per pixel → colours. A step or a layer
 * thinner than a pixel shares it with its neighbours, and the largest code wins, so a
 * one-step spike and a single NaN stay visible at every zoom.
 */
export interface RasterColumns {
  readonly codes: Uint16Array;
  readonly layerCount: number;
  readonly fromStep: Float64Array;
  readonly toStep: Float64Array;
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

export interface RasterColours {
  /** [65536] by code; 0 stands for "not reported". */
  readonly table: Uint32Array;
  readonly background: number;
  readonly hatch: number;
  /** Device pixels between two hatching lines. */
  readonly hatchPeriod: number;
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
): readonly [number, number] {
  const left = (fromStep[column] ?? 0) - 0.5;
  const next = (fromStep[column + 1] ?? Infinity) - 0.5;
  const own = (toStep[column] ?? 0) + 0.5;
  if (next === Infinity) return [left, Math.max(own, left + Math.min(interval, 1))];
  return [left, next - own < 1.5 * interval ? next : own];
}

/** Pixels along the steps that are painted together: 32 × 1,000 bands are 64 KB of codes. */
const PAINT_BLOCK = 32;

interface MaximaField {
  /** [stepPixels × bands] largest code, pixel-major: columns are read and written in order. */
  readonly codes: Uint16Array;
  /** Pixels [start, end) between the first and the last column. */
  readonly start: number;
  readonly end: number;
}

function maximaPerPixel(columns: RasterColumns, plot: RasterPlot): MaximaField {
  const { axis, stepPixels, bands } = plot;
  const { codes, layerCount, fromStep } = columns;
  const bandCount = bands.length;
  const field = new Uint16Array(stepPixels * bandCount);
  const { layers, bandOfRow } = rowTables(plot);
  const rowCount = layers.length;
  const interval = usualInterval(fromStep);
  const perStep = stepPixels / (axis.high - axis.low);
  let start = stepPixels;
  let end = 0;
  for (let column = 0; column < fromStep.length; column++) {
    const [left, right] = columnExtent(columns, interval, column);
    // A window between two columns is not reported, not beyond the data.
    if (right <= axis.low) start = 0;
    if (left >= axis.high) end = stepPixels;
    if (right <= axis.low || left >= axis.high) continue;
    const first = Math.max(0, Math.floor((left - axis.low) * perStep + 1e-6));
    const last = Math.min(
      stepPixels,
      Math.max(first + 1, Math.floor((right - axis.low) * perStep + 1e-6)),
    );
    start = Math.min(start, first);
    end = Math.max(end, last);
    const source = column * layerCount;
    const target = first * bandCount;
    for (let row = 0; row < rowCount; row++) {
      const code = codes[source + (layers[row] ?? 0)] ?? 0;
      const at = target + (bandOfRow[row] ?? 0);
      if (code > (field[at] ?? 0)) field[at] = code;
    }
    // Only its first pixel can be shared with the column before.
    for (let pixel = first + 1; pixel < last; pixel++) {
      field.copyWithin(pixel * bandCount, target, target + bandCount);
    }
  }
  return { codes: field, start, end };
}

/** Row → layer and row → band, as typed arrays for the loop over all cells. */
function rowTables({ bands, layerOfRow }: RasterPlot): {
  layers: Int32Array;
  bandOfRow: Int32Array;
} {
  const bandOfRow = new Int32Array(layerOfRow.length);
  bands.forEach(({ firstRow, endRow }, band) => bandOfRow.fill(band, firstRow, endRow));
  return { layers: Int32Array.from(layerOfRow), bandOfRow };
}

/**
 * Paints into `target`, [height × width] packed pixels, all of it. Between the first and
 * the last column "not reported" is hatched; outside them is background.
 *
 * Cost  O(columns × layers + pixels)
 */
export function rasteriseHeatmap(
  columns: RasterColumns,
  plot: RasterPlot,
  colours: RasterColours,
  target: Uint32Array,
): void {
  const { stepPixels, layerPixels, bands, orientation } = plot;
  const { table, background, hatch, hatchPeriod } = colours;
  const { codes, start, end } = maximaPerPixel(columns, plot);
  const bandCount = bands.length;
  target.fill(background);
  const isRight = orientation === 'steps-right';
  // Pixel (along the steps, across the layers) lies at `pixel * alongStride + across * acrossStride`.
  const alongStride = isRight ? 1 : layerPixels;
  const acrossStride = isRight ? stepPixels : 1;
  // In blocks of pixels: the field is read along one axis and the picture written along the
  // other, and a block of both fits the cache.
  for (let block = start; block < end; block += PAINT_BLOCK) {
    const blockEnd = Math.min(end, block + PAINT_BLOCK);
    for (let band = 0; band < bandCount; band++) {
      const { start: bandStart, end: bandEnd } = bands[band] ?? { start: 0, end: 0 };
      for (let pixel = block; pixel < blockEnd; pixel++) {
        const code = codes[pixel * bandCount + band] ?? 0;
        const colour = table[code] ?? 0;
        const base = pixel * alongStride;
        for (let across = bandStart; across < bandEnd; across++) {
          const isHatched = code === 0 && (pixel + across) % hatchPeriod === 0;
          target[base + across * acrossStride] =
            code !== 0 ? colour : isHatched ? hatch : background;
        }
      }
    }
  }
}

/** A cell large enough for its sign: ✕ not finite, ○ exactly 0. Device pixels. */
export interface SpecialCell {
  readonly kind: 'non_finite' | 'zero';
  readonly stepPixel: number;
  readonly layerPixel: number;
  readonly size: number;
}

/** The cells that get a sign, when cells are at least `leastSize` device pixels both ways. */
export function findSpecialCells(
  columns: RasterColumns,
  plot: RasterPlot,
  leastSize: number,
): SpecialCell[] {
  const { axis, stepPixels, bands, layerOfRow } = plot;
  const interval = usualInterval(columns.fromStep);
  const perStep = stepPixels / (axis.high - axis.low);
  const cells: SpecialCell[] = [];
  for (let column = 0; column < columns.fromStep.length; column++) {
    const [left, right] = columnExtent(columns, interval, column);
    if (right <= axis.low || left >= axis.high) continue;
    if ((right - left) * perStep < leastSize) continue;
    for (const band of bands) {
      if (band.end - band.start < leastSize || band.endRow - band.firstRow > 1) continue;
      const layer = layerOfRow[band.firstRow] ?? 0;
      const code = columns.codes[column * columns.layerCount + layer];
      if (code !== CODE_NON_FINITE && code !== CODE_ZERO) continue;
      cells.push({
        kind: code === CODE_NON_FINITE ? 'non_finite' : 'zero',
        stepPixel: ((left + right) / 2 - axis.low) * perStep,
        layerPixel: (band.start + band.end) / 2,
        size: Math.min((right - left) * perStep, band.end - band.start),
      });
    }
  }
  return cells;
}
