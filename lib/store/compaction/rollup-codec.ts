/**
 * How the planes and counts of a rollup row are laid out: as they are, or packed and rounded.
 *
 * Extremes are rounded as their steps are, and rounded again they stay the same. A mean does
 * not, so that only one of exact values is rounded: of a row that was written over rounded
 * blocks or rows, means are packed to the bit. Counts always are.
 */
import type { MetricRollup } from './metric-rollup';
import { bytesOf, toFloat32, toUint32 } from './packed-arrays';
import { packedRowBytes, packRows, ROUNDED_BITS, unpackRows, unpackSingleRow } from './row-codec';

/** As they are, of exact values. */
const RAW = 0;
const ROUNDED_BUT_MEANS = 1;
const ROUNDED = 2;
/** As they are, of values some of which were rounded. */
const RAW_OF_ROUNDED = 3;

/** SQL of a row that is not packed, and might be shorter if it were. */
export const IS_ROUNDABLE = `codec IN (${RAW}, ${RAW_OF_ROUNDED}) AND bucket_count >= 4`;

/** SQL of a row that is. */
export const IS_ROUNDED = `codec IN (${ROUNDED_BUT_MEANS}, ${ROUNDED})`;

export type Plane = 'minimum' | 'maximum' | 'mean';

export interface RollupBytes {
  readonly codec: number;
  readonly minimum: Uint8Array;
  readonly maximum: Uint8Array;
  readonly mean: Uint8Array;
  readonly exceptions: Uint8Array | null;
}

/** Whether planes and counts are packed rows. */
export function isPackedCodec(codec: number): boolean {
  return codec === ROUNDED || codec === ROUNDED_BUT_MEANS;
}

function droppedBitsOf(codec: number, plane: Plane): 0 | typeof ROUNDED_BITS {
  return plane === 'mean' && codec === ROUNDED_BUT_MEANS ? 0 : ROUNDED_BITS;
}

/** Whether a row was made of values some of which were rounded. */
export function isOfRoundedCodec(codec: number): boolean {
  return codec !== RAW;
}

export function layOutRollup(rollup: MetricRollup, isOfRounded: boolean): RollupBytes {
  const { minimum, maximum, mean, exceptions } = rollup;
  return {
    codec: isOfRounded ? RAW_OF_ROUNDED : RAW,
    minimum: bytesOf(minimum),
    maximum: bytesOf(maximum),
    mean: bytesOf(mean),
    exceptions: exceptions === null ? null : bytesOf(exceptions),
  };
}

/** The rounded form; null where it would not be shorter. */
export function roundRollup(rollup: MetricRollup, isOfRounded: boolean): RollupBytes | null {
  const { slots, exceptions } = rollup;
  const layerCount = rollup.minimum.length / slots.length;
  const codec = isOfRounded ? ROUNDED_BUT_MEANS : ROUNDED;
  const pack = (plane: Plane): Uint8Array | null =>
    packRows(rollup[plane], layerCount, droppedBitsOf(codec, plane));
  const [minimum, maximum, mean] = [pack('minimum'), pack('maximum'), pack('mean')];
  const counts = exceptions === null ? null : packCounts(exceptions, 2 * layerCount);
  const isShorter = minimum !== null && maximum !== null && mean !== null;
  if (!isShorter || (exceptions !== null && counts === null)) return null;
  return { codec, minimum, maximum, mean, exceptions: counts };
}

/** Most counts of a layer are the same in all buckets, and take no bits then. */
function packCounts(counts: Uint32Array, rowCount: number): Uint8Array | null {
  const bits = new Float32Array(counts.buffer, counts.byteOffset, counts.length);
  return packRows(bits, rowCount, 0);
}

type Scratch = (length: number) => Float32Array;

/** A plane [L][columnCount]; `scratch` gives the memory for one that is packed. */
export function decodePlane(
  codec: number,
  plane: Plane,
  bytes: Uint8Array,
  columnCount: number,
  scratch?: Scratch,
): Float32Array {
  if (!isPackedCodec(codec)) return toFloat32(bytes);
  return unpackRows(bytes, columnCount, droppedBitsOf(codec, plane), scratch);
}

/** Counts [2][L][columnCount]. */
export function decodeCounts(
  codec: number,
  bytes: Uint8Array,
  columnCount: number,
  scratch?: Scratch,
): Uint32Array {
  if (!isPackedCodec(codec)) return toUint32(bytes);
  return toCounts(unpackRows(bytes, columnCount, 0, scratch));
}

function toCounts({ buffer, byteOffset, length }: Float32Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}

/** SQL of one row of a plane or of counts, its number being an expression; no other part is fetched. */
export function rollupRowSql(column: Plane | 'exceptions', row: string): string {
  return `CASE WHEN codec IN (${RAW}, ${RAW_OF_ROUNDED}) THEN substr(${column}, ${row} * bucket_count * 4 + 1, bucket_count * 4)
    ELSE packed_row(${column}, ${row}) END`;
}

/** The values [columnCount] of what `rollupRowSql` selects. */
export function decodePlaneRow(
  codec: number,
  plane: Plane,
  bytes: Uint8Array,
  columnCount: number,
): Float32Array {
  if (!isPackedCodec(codec)) return toFloat32(bytes);
  return unpackSingleRow(bytes, columnCount, droppedBitsOf(codec, plane));
}

/** The counts [2][columnCount] of two rows of `rollupRowSql`, one behind the other. */
export function decodeCountRows(
  codec: number,
  bytes: Uint8Array,
  columnCount: number,
): Uint32Array {
  if (!isPackedCodec(codec)) return toUint32(bytes);
  const second = packedRowBytes(bytes);
  const counts = new Uint32Array(2 * columnCount);
  counts.set(toCounts(unpackSingleRow(bytes.subarray(0, second), columnCount, 0)));
  counts.set(toCounts(unpackSingleRow(bytes.subarray(second), columnCount, 0)), columnCount);
  return counts;
}
