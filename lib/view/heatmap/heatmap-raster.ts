import type { HeatmapCodes } from './heatmap-codes';

/** What the codes of a heatmap look like. */
export interface RasterColours {
  /** [65536] by code; 0 stands for "not reported". */
  readonly table: Uint32Array;
  readonly background: number;
  readonly hatch: number;
  /** Device pixels between two hatching lines. */
  readonly hatchPeriod: number;
}

/**
 * Paints into `target`, [height × width] packed pixels, all of it. Between the first and
 * the last column "not reported" is hatched; outside them is background.
 *
 * Cost  O(pixels): one look-up each
 */
export function paintHeatmap(
  picture: HeatmapCodes,
  colours: RasterColours,
  target: Uint32Array,
): void {
  target.fill(colours.background);
  if (picture.plot.orientation === 'steps-right') paintRows(picture, colours, target);
  else paintColumns(picture, colours, target);
}

/** Steps to the right: a band is a row of the picture, read and written in order. */
function paintRows(
  { plot: { stepPixels, bands }, codes, start, end }: HeatmapCodes,
  { table, hatch, hatchPeriod }: RasterColours,
  target: Uint32Array,
): void {
  bands.forEach((band, index) => {
    const source = index * stepPixels;
    const row = band.start * stepPixels;
    const isWhole = colourRow(codes, source + start, source + end, table, target, row + start);
    for (let across = band.start + 1; across < band.end; across++) {
      target.copyWithin(across * stepPixels + start, row + start, row + end);
    }
    if (isWhole) return;
    for (let across = band.start; across < band.end; across++) {
      for (let pixel = start; pixel < end; pixel++) {
        if (codes[source + pixel] !== 0 || (pixel + across) % hatchPeriod !== 0) continue;
        target[across * stepPixels + pixel] = hatch;
      }
    }
  });
}

/** Colours the codes of [from, to); false where some of them were not reported. */
function colourRow(
  codes: Uint16Array,
  from: number,
  to: number,
  table: Uint32Array,
  target: Uint32Array,
  offset: number,
): boolean {
  let isWhole = true;
  const shift = offset - from;
  for (let at = from; at < to; at++) {
    const code = codes[at] ?? 0;
    if (code === 0) isWhole = false;
    else target[at + shift] = table[code] ?? 0;
  }
  return isWhole;
}

/** Steps downwards: a pixel of steps is a row. */
function paintColumns(
  { plot: { layerPixels, bands }, codes, start, end }: HeatmapCodes,
  { table, background, hatch, hatchPeriod }: RasterColours,
  target: Uint32Array,
): void {
  const bandCount = bands.length;
  const firstPixel = Int32Array.from(bands, (band) => band.start);
  const endPixel = Int32Array.from(bands, (band) => band.end);
  for (let pixel = start; pixel < end; pixel++) {
    const source = pixel * bandCount;
    const row = pixel * layerPixels;
    for (let band = 0; band < bandCount; band++) {
      const code = codes[source + band] ?? 0;
      const colour = table[code] ?? 0;
      const last = endPixel[band] ?? 0;
      for (let across = firstPixel[band] ?? 0; across < last; across++) {
        const isHatched = code === 0 && (pixel + across) % hatchPeriod === 0;
        target[row + across] = code !== 0 ? colour : isHatched ? hatch : background;
      }
    }
  }
}
