/**
 * A heatmap cell as 16 bits whose order is the order of what must stay visible, so that
 * the maximum of two codes is the cell to show where both fall on one pixel:
 *
 *   0 not reported < negative … < 0x8000 exact zero < positive … < 65535 not finite
 *
 * Between them stand the upper half of the float32's bits made sortable (sign, exponent
 * and 7 bits of fraction): within 0.8 % of the value at any magnitude, on logarithmic and
 * linear scales alike, without a logarithm a cell. Taking codes instead of floats halves
 * what a redraw reads and turns colouring into one look-up.
 */
export const CODE_MISSING = 0;
export const CODE_ZERO = 0x8000;
export const CODE_NON_FINITE = 0xffff;
export const CODE_COUNT = 0x10000;

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** The code of a finite value or of NaN, which `nonFinite` splits into its two meanings. */
export function encodeMagnitude(value: number, nonFinite: number): number {
  if (nonFinite > 0) return CODE_NON_FINITE;
  if (Number.isNaN(value)) return CODE_MISSING;
  if (value === 0) return CODE_ZERO;
  scratch[0] = value;
  const bits = scratchBits[0] ?? 0;
  if (value < 0) return Math.max(1, (~bits >>> 16) & 0xffff);
  // The smallest denormals share their upper bits with zero and are not zero.
  return Math.max(CODE_ZERO + 1, ((bits | 0x80000000) >>> 16) & 0xffff);
}

/** The code of the float32 with these bits, as `encodeMagnitude` gives it for a finite count of 0. */
export function encodeBits(bits: number): number {
  const magnitude = bits & 0x7fffffff;
  if (magnitude === 0) return CODE_ZERO;
  if (magnitude > 0x7f800000) return CODE_MISSING;
  const code = bits >>> 31 === 1 ? ~bits >>> 16 : (bits | 0x80000000) >>> 16;
  // The smallest denormals share their upper bits with zero and are not zero.
  return code === CODE_ZERO ? CODE_ZERO + 1 : code === 0 ? 1 : code;
}

/** The middle of the values that share a code; NaN for the two that are no value. */
export function decodeMagnitude(code: number): number {
  if (code === CODE_MISSING || code === CODE_NON_FINITE) return NaN;
  if (code === CODE_ZERO) return 0;
  scratchBits[0] =
    code > CODE_ZERO
      ? (((code & 0x7fff) << 16) | 0x8000) >>> 0
      : ((~(code << 16) & 0xffff0000) | 0x8000) >>> 0;
  return scratch[0] ?? NaN;
}
