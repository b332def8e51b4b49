import { bandColumns, type BandedColumns, type BandSource } from './banded-columns';
import type { AxisPiece } from './heatmap-tiles';
import type { LayerBand } from './layer-axis';
import { CODE_NON_FINITE, CODE_ZERO } from './magnitude-code';
import { edgePixels, type StepAxis } from './step-axis';

/**
 * The heatmap as pixels: codes → the largest code per pixel → colours. A step or a layer
 * thinner than a pixel shares it with its neighbours, and the largest code wins, so a
 * one-step spike and a single NaN stay visible at every zoom.
 */
export interface RasterColumns extends BandSource {
  readonly fromStep: Float64Array;
  readonly toStep: Float64Array;
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
  /** The first step after these columns. */
  stepAfter = Infinity,
): readonly [number, number] {
  const left = (fromStep[column] ?? 0) - 0.5;
  const next = (fromStep[column + 1] ?? stepAfter) - 0.5;
  const own = (toStep[column] ?? 0) + 0.5;
  if (next === Infinity) return [left, Math.max(own, left + Math.min(interval, 1))];
  return [left, next - own < 1.5 * interval ? next : own];
}

/**
 * The pixels of one piece's columns, those of [from, from + firstPixel.length). Both ends
 * ascend, so the columns of a pixel lie side by side.
 */
interface PlacedPiece {
  readonly banded: BandedColumns;
  /** Of the first pixel that a column covers, and the one after the last. */
  readonly start: number;
  readonly end: number;
  /** [end - start] the columns [first, last) of each pixel; none where they are equal. */
  readonly first: Int32Array;
  readonly last: Int32Array;
}

/** The columns that a piece shows: those with steps in it. */
function columnsOfPiece({ columns, low, high }: RasterPiece): readonly [number, number] {
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

interface Placement {
  readonly pieces: readonly PlacedPiece[];
  /** Pixels [start, end) between the first and the last column. */
  readonly start: number;
  readonly end: number;
}

function placePieces(pieces: readonly RasterPiece[], plot: RasterPlot): Placement {
  const { axis, stepPixels } = plot;
  const edge = edgePixels(axis, stepPixels);
  const pixelOf = (step: number, side: 'begins' | 'ends') => Math.floor(edge(step, side) + 1e-6);
  const placed: PlacedPiece[] = [];
  let start = stepPixels;
  let end = 0;
  pieces.forEach((piece, index) => {
    const { columns, low, high } = piece;
    const [from, to] = columnsOfPiece(piece);
    if (from === to) return;
    const interval = usualInterval(columns.fromStep);
    const next = nextStep(pieces, index + 1);
    // A window between two columns is not reported, not beyond the data.
    if ((columns.toStep[from] ?? Infinity) + 0.5 <= axis.low) start = 0;
    if ((columns.fromStep[to - 1] ?? -Infinity) - 0.5 >= axis.high) end = stepPixels;
    const firstPixels = new Int32Array(to - from);
    const endPixels = new Int32Array(to - from);
    let seen = 0;
    let begin = from;
    for (let column = from; column < to; column++) {
      const [left, right] = columnExtent(columns, interval, column, next);
      const [shownLeft, shownRight] = [Math.max(low, left), Math.min(high, right)];
      if (shownRight <= axis.low) {
        start = 0;
        begin = column + 1;
        continue;
      }
      if (shownLeft >= axis.high) {
        end = stepPixels;
        break;
      }
      const first = Math.max(0, pixelOf(shownLeft, 'begins'));
      firstPixels[seen] = first;
      endPixels[seen] = Math.min(stepPixels, Math.max(first + 1, pixelOf(shownRight, 'ends')));
      seen++;
    }
    if (seen === 0) return;
    const pieceStart = firstPixels[0] ?? 0;
    const pieceEnd = endPixels[seen - 1] ?? 0;
    const length = Math.max(0, pieceEnd - pieceStart);
    const first = new Int32Array(length);
    const last = new Int32Array(length);
    let lead = 0;
    let trail = 0;
    for (let pixel = 0; pixel < length; pixel++) {
      while (trail < seen && (endPixels[trail] ?? 0) <= pixel + pieceStart) trail++;
      while (lead < seen && (firstPixels[lead] ?? 0) <= pixel + pieceStart) lead++;
      first[pixel] = begin + trail;
      last[pixel] = begin + Math.max(trail, lead);
    }
    start = Math.min(start, pieceStart);
    end = Math.max(end, pieceEnd);
    placed.push({
      banded: bandColumns(columns, plot),
      ...{ start: pieceStart, end: pieceEnd, first, last },
    });
  });
  return { pieces: placed, start, end };
}

/** Where the columns go on after a piece; Infinity where they end. */
function nextStep(pieces: readonly RasterPiece[], from: number): number {
  for (const piece of pieces.slice(from)) {
    const [first, end] = columnsOfPiece(piece);
    if (first < end) return Math.max(piece.columns.fromStep[first] ?? Infinity, piece.low + 0.5);
  }
  return Infinity;
}

/**
 * Paints into `target`, [height × width] packed pixels, all of it. Between the first and
 * the last column "not reported" is hatched; outside them is background.
 *
 * Cost  O(pixels + columns in view × bands)
 */
export function rasteriseHeatmap(
  pieces: readonly RasterPiece[],
  plot: RasterPlot,
  colours: RasterColours,
  target: Uint32Array,
): void {
  const placement = placePieces(pieces, plot);
  target.fill(colours.background);
  if (plot.orientation === 'steps-right') paintRows(placement, plot, colours, target);
  else paintColumns(placement, plot, colours, target);
}

/** Steps to the right: a band is a row of the picture, read and written in order. */
function paintRows(
  { pieces, start, end }: Placement,
  { stepPixels, bands }: RasterPlot,
  { table, hatch, hatchPeriod }: RasterColours,
  target: Uint32Array,
): void {
  const codes = new Uint16Array(stepPixels);
  bands.forEach((band, index) => {
    takeLargest(pieces, index, start, end, codes);
    const row = band.start * stepPixels;
    let hasMissing = false;
    for (let pixel = start; pixel < end; pixel++) {
      const code = codes[pixel - start] ?? 0;
      if (code === 0) hasMissing = true;
      else target[row + pixel] = table[code] ?? 0;
    }
    for (let across = band.start + 1; across < band.end; across++) {
      target.copyWithin(across * stepPixels + start, row + start, row + end);
    }
    if (!hasMissing) return;
    for (let across = band.start; across < band.end; across++) {
      for (let pixel = start; pixel < end; pixel++) {
        if (codes[pixel - start] !== 0 || (pixel + across) % hatchPeriod !== 0) continue;
        target[across * stepPixels + pixel] = hatch;
      }
    }
  });
}

/** Pixels along the steps that are painted together: codes of 32 × 1,000 bands are 64 KB. */
const PAINT_BLOCK = 32;

/** Steps downwards: a pixel of steps is a row, and codes are gathered for a block of them. */
function paintColumns(
  { pieces, start, end }: Placement,
  { layerPixels, bands }: RasterPlot,
  { table, background, hatch, hatchPeriod }: RasterColours,
  target: Uint32Array,
): void {
  const bandCount = bands.length;
  const firstPixel = Int32Array.from(bands, (band) => band.start);
  const endPixel = Int32Array.from(bands, (band) => band.end);
  const line = new Uint16Array(PAINT_BLOCK);
  const codes = new Uint16Array(PAINT_BLOCK * bandCount);
  for (let from = start; from < end; from += PAINT_BLOCK) {
    const to = Math.min(end, from + PAINT_BLOCK);
    for (let band = 0; band < bandCount; band++) {
      takeLargest(pieces, band, from, to, line);
      for (let i = 0; i < to - from; i++) codes[i * bandCount + band] = line[i] ?? 0;
    }
    for (let pixel = from; pixel < to; pixel++) {
      const source = (pixel - from) * bandCount;
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
}

/** The largest code of a band at each pixel of [from, to). */
function takeLargest(
  pieces: readonly PlacedPiece[],
  band: number,
  from: number,
  to: number,
  codes: Uint16Array,
): void {
  codes.fill(0, 0, to - from);
  for (const { banded, start, end, first, last } of pieces) {
    const row = band * banded.stride;
    const source = banded.codes;
    const endPixel = Math.min(end, to);
    for (let pixel = Math.max(start, from); pixel < endPixel; pixel++) {
      let largest = codes[pixel - from] ?? 0;
      const lastColumn = last[pixel - start] ?? 0;
      for (let column = first[pixel - start] ?? 0; column < lastColumn; column++) {
        const code = source[row + column] ?? 0;
        if (code > largest) largest = code;
      }
      codes[pixel - from] = largest;
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
  pieces: readonly RasterPiece[],
  plot: RasterPlot,
  leastSize: number,
): SpecialCell[] {
  const { axis, stepPixels, bands, layerOfRow } = plot;
  const edge = edgePixels(axis, stepPixels);
  const cells: SpecialCell[] = [];
  const large = bands.filter(
    ({ start, end, firstRow, endRow }) => end - start >= leastSize && endRow - firstRow === 1,
  );
  if (large.length === 0) return cells;
  pieces.forEach((piece, index) => {
    const { columns, low, high } = piece;
    const [from, to] = columnsOfPiece(piece);
    const interval = usualInterval(columns.fromStep);
    const next = nextStep(pieces, index + 1);
    for (let column = from; column < to; column++) {
      const extent = columnExtent(columns, interval, column, next);
      const [left, right] = [Math.max(low, extent[0]), Math.min(high, extent[1])];
      if (right <= axis.low || left >= axis.high) continue;
      const [start, end] = [edge(left, 'begins'), edge(right, 'ends')];
      if (end - start < leastSize) continue;
      for (const band of large) {
        const layer = layerOfRow[band.firstRow] ?? 0;
        const code = columns.codes[column * columns.layerCount + layer];
        if (code !== CODE_NON_FINITE && code !== CODE_ZERO) continue;
        cells.push({
          kind: code === CODE_NON_FINITE ? 'non_finite' : 'zero',
          stepPixel: (start + end) / 2,
          layerPixel: (band.start + band.end) / 2,
          size: Math.min(end - start, band.end - band.start),
        });
      }
    }
  });
  return cells;
}
