/**
 * Bits of the smallest float32 ≥ `threshold`, so that "x < threshold" for a float32 x ≥ 0
 * becomes a comparison of integers, exactly, also for a threshold no float32 holds.
 *
 * Shape   scalar ≥ 0 → an integer in [0, 0x7f800000]
 * NaN/Inf Infinity gives its own bits; NaN gives a NaN's, above all finite values
 */
export function bitsAtOrAbove(threshold: number): number {
  const value = Float32Array.of(threshold);
  const bits = new Int32Array(value.buffer);
  return (bits[0] ?? 0) + ((value[0] ?? 0) < threshold ? 1 : 0);
}

/**
 * Bits of the smallest float32 v ≥ 0 with √v ≥ `threshold` in float64.
 *
 * Shape  scalar ≥ 0 → an integer
 */
export function bitsWithRootAtOrAbove(threshold: number): number {
  let bits = bitsAtOrAbove(threshold * threshold);
  // The square is rounded, so the boundary may lie one float32 to either side.
  while (bits > 0 && Math.sqrt(floatOfBits(bits - 1)) >= threshold) bits--;
  while (Math.sqrt(floatOfBits(bits)) < threshold) bits++;
  return bits;
}

/** The float32 of these bits. */
export function floatOfBits(bits: number): number {
  return new Float32Array(Int32Array.of(bits).buffer)[0] ?? 0;
}
