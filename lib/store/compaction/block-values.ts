/** The values of a block out of what is stored of it: all, some columns of all layers, or one layer. */
import { bytesOf, toFloat32 } from './packed-arrays';
import {
  type ColumnRange,
  type RowsPlace,
  unpackRows,
  unpackRowsInto,
  unpackSingleRow,
} from './row-codec';
import { droppedBitsOf, RAW_CODEC } from './value-codec';

/**
 * The values [L][columnCount] of a block. `scratch` gives the memory for them.
 *
 * Throws  RangeError on a codec that this version does not know
 */
export function decodeBlockValues(
  codec: number,
  bytes: Uint8Array,
  columnCount: number,
  scratch: (length: number) => Float32Array = (length) => new Float32Array(length),
): Float32Array {
  if (codec !== RAW_CODEC) return unpackRows(bytes, columnCount, droppedBitsOf(codec), scratch);
  const values = scratch(bytes.length / 4);
  bytesOf(values).set(bytes);
  return values;
}

/**
 * Columns of a block written where they are meant to lie, a layer a row. Returns the layers
 * that may hold a value that is not finite.
 *
 * Throws  RangeError on a codec that this version does not know
 */
export function decodeBlockInto(
  codec: number,
  bytes: Uint8Array,
  columnCount: number,
  range: ColumnRange,
  place: RowsPlace,
): number[] {
  if (codec !== RAW_CODEC) return unpackRowsInto(bytes, range, droppedBitsOf(codec), place);
  const { from, end } = range;
  const source = new Int32Array(toFloat32(bytes).buffer);
  const layers = Array.from({ length: source.length / columnCount }, (_, layer) => layer);
  for (const layer of layers) {
    const columns = source.subarray(layer * columnCount + from, layer * columnCount + end);
    place.bits.set(columns, place.start + layer * place.stride);
  }
  return layers;
}

/** SQL of one layer's part of a block, by number or by an expression; no other part is fetched. */
export function layerSliceSql(layer: string): string {
  return `CASE WHEN codec = ${RAW_CODEC} THEN substr("values", ${layer} * step_count * 4 + 1, step_count * 4)
    ELSE packed_row("values", ${layer}) END`;
}

/** The values [columnCount] of what `layerSliceSql` selects. */
export function decodeLayerSlice(
  codec: number,
  bytes: Uint8Array,
  columnCount: number,
): Float32Array {
  return codec === RAW_CODEC
    ? toFloat32(bytes)
    : unpackSingleRow(bytes, columnCount, droppedBitsOf(codec));
}
