/** How float32 values are laid out in blocks, and in the planes of rollup rows. */
import { ROUNDED_BITS } from './row-codec';

/** As they are, or as packed rows, exact or rounded. */
export const RAW_CODEC = 0;
export const PACKED_CODEC = 1;
export const ROUNDED_CODEC = 2;

/** Fewer columns are read faster than they are unpacked, and save little. */
export const MIN_PACKED_COLUMNS = 16;

/**
 * What `packRows` was given for a codec.
 *
 * Throws  RangeError on a codec that this version does not know
 */
export function droppedBitsOf(codec: number): 0 | typeof ROUNDED_BITS {
  if (codec === PACKED_CODEC) return 0;
  if (codec === ROUNDED_CODEC) return ROUNDED_BITS;
  throw new RangeError(`no values are packed by codec ${codec}`);
}
