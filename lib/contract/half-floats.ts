/**
 * Widening of the 16-bit floats of the wire to float32. Every value of both formats is
 * exact in float32, NaN payloads included in kind if not in bits.
 */

/** IEEE binary16, built once: 65,536 entries are 256 KB and turn decoding into a look-up. */
let binary16Table: Float32Array | null = null;

function widenBinary16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** [n] binary16 bit patterns → [n] float32. Empty in, empty out. */
export function float32FromFloat16(bits: Uint16Array): Float32Array<ArrayBuffer> {
  binary16Table ??= Float32Array.from({ length: 65_536 }, (_, half) => widenBinary16(half));
  const table = binary16Table;
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i] ?? 0] ?? 0;
  return values;
}

/** [n] bfloat16 bit patterns → [n] float32: the upper half of a float32's bits. */
export function float32FromBfloat16(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bits.length);
  const words = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) words[i] = (bits[i] ?? 0) << 16;
  return values;
}
