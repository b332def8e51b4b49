import { bandColumns, type BandedColumns } from './banded-columns';
import {
  columnExtent,
  columnsOfPiece,
  nextStep,
  usualInterval,
  type RasterPiece,
  type RasterPlot,
} from './raster-columns';
import { edgePixels } from '../axes/step-axis';

/**
 * The pixels of one piece's columns, those of [from, from + firstPixel.length). Both ends
 * ascend, so the columns of a pixel lie side by side.
 */
export interface PlacedPiece {
  readonly banded: BandedColumns;
  /** Of the first pixel that a column covers, and the one after the last. */
  readonly start: number;
  readonly end: number;
  /** [end - start] the columns [first, last) of each pixel; none where they are equal. */
  readonly first: Int32Array;
  readonly last: Int32Array;
}

export interface Placement {
  readonly pieces: readonly PlacedPiece[];
  /** Pixels [start, end) between the first and the last column. */
  readonly start: number;
  readonly end: number;
}

/** Which columns lie on which pixels of the plot. */
export function placePieces(pieces: readonly RasterPiece[], plot: RasterPlot): Placement {
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
