import { placePieces, type PlacedPiece } from './place-columns';
import type { RasterPiece, RasterPlot } from './raster-columns';

/**
 * A picture of the heatmap before it has colours: the largest code of every band at every
 * pixel of the steps. It is made when data, rows or axis change; a change of colours alone
 * reads nothing else.
 */
export interface HeatmapCodes {
  readonly plot: RasterPlot;
  /** In the order in which it is painted: [bands × stepPixels] right, [stepPixels × bands] down. */
  readonly codes: Uint16Array;
  /** Pixels [start, end) along the steps between the first and the last column. */
  readonly start: number;
  readonly end: number;
}

/** Pixels along the steps that are gathered together: codes of 32 × 1,000 bands are 64 KB. */
const BLOCK = 32;

/**
 * A step or a layer thinner than a pixel shares it with its neighbours, and the largest code
 * wins, so a one-step spike and a single NaN stay visible at every zoom.
 *
 * Cost  O(pixels + columns in view × bands)
 */
export function gatherCodes(
  pieces: readonly RasterPiece[],
  plot: RasterPlot,
  /** Of an earlier picture, to be overwritten; one of another size is left alone. */
  held: HeatmapCodes | null = null,
): HeatmapCodes {
  const { stepPixels, bands, orientation } = plot;
  const size = stepPixels * bands.length;
  const codes = held?.codes.length === size ? held.codes : new Uint16Array(size);
  const placement = placePieces(pieces, plot);
  const { start, end } = placement;
  if (orientation === 'steps-right') {
    for (let band = 0; band < bands.length; band++) {
      const row = band * stepPixels;
      takeLargest(placement.pieces, band, start, end, codes, row + start);
    }
  } else gatherDownwards(placement.pieces, bands.length, start, end, codes);
  return { plot, codes, start, end };
}

/** Bands lie beside each other: codes are gathered along the steps and turned, a block at a time. */
function gatherDownwards(
  pieces: readonly PlacedPiece[],
  bandCount: number,
  start: number,
  end: number,
  codes: Uint16Array,
): void {
  const line = new Uint16Array(BLOCK);
  for (let from = start; from < end; from += BLOCK) {
    const to = Math.min(end, from + BLOCK);
    for (let band = 0; band < bandCount; band++) {
      takeLargest(pieces, band, from, to, line, 0);
      let at = from * bandCount + band;
      for (let i = 0; i < to - from; i++, at += bandCount) codes[at] = line[i] ?? 0;
    }
  }
}

/** The largest code of a band at each pixel of [from, to), written from `offset` on. */
function takeLargest(
  pieces: readonly PlacedPiece[],
  band: number,
  from: number,
  to: number,
  codes: Uint16Array,
  offset: number,
): void {
  if (to > from) codes.fill(0, offset, offset + to - from);
  for (const { banded, start, end, first, last } of pieces) {
    const row = band * banded.stride;
    const source = banded.codes;
    const endPixel = Math.min(end, to);
    let at = offset + Math.max(start, from) - from;
    for (let pixel = Math.max(start, from); pixel < endPixel; pixel++, at++) {
      let largest = codes[at] ?? 0;
      const lastColumn = last[pixel - start] ?? 0;
      for (let column = first[pixel - start] ?? 0; column < lastColumn; column++) {
        const code = source[row + column] ?? 0;
        if (code > largest) largest = code;
      }
      codes[at] = largest;
    }
  }
}
