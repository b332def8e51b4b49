/** What stands for "undefined" where the caller names no bits of its own. */
export const QUIET_NAN_BITS = 0x7fc00000;

/** Writes a float32, or the bits of "missing" for null: a number cannot carry a NaN's payload. */
export function writeValue(
  column: Float32Array,
  index: number,
  value: number | null,
  missingBits: number,
): void {
  if (value !== null) {
    column[index] = value;
    return;
  }
  new Uint32Array(column.buffer, column.byteOffset, column.length)[index] = missingBits;
}
