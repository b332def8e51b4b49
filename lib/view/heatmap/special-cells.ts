import { CODE_NON_FINITE, CODE_ZERO } from '../colours/magnitude-code';
import {
  columnExtent,
  columnsOfPiece,
  nextStep,
  usualInterval,
  type RasterPiece,
  type RasterPlot,
} from './raster-columns';
import { edgePixels } from '../axes/step-axis';

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
    const zero = columns.zeroCode ?? CODE_ZERO;
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
        if (code !== CODE_NON_FINITE && code !== zero) continue;
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
