import { CODE_COUNT, CODE_MISSING, CODE_NON_FINITE, CODE_ZERO } from '../colours/magnitude-code';

/**
 * A signed deviation as 16 bits whose order is the order of its size, whichever its sign:
 * where two cells fall on one pixel the larger deviation stays, be it up or down.
 *
 *   0 not reported < 1 no deviation < … < 65535 not finite
 *
 * 15 bits of the magnitude (within 0.8 %) over one of the sign. The code that stands for
 * an exact zero elsewhere, and has a sign of its own on the heatmap, is passed over.
 */
const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

export function encodeDeviation(value: number, isNonFinite: boolean): number {
  if (isNonFinite) return CODE_NON_FINITE;
  if (Number.isNaN(value)) return CODE_MISSING;
  scratch[0] = Math.abs(value);
  const magnitude = (scratchBits[0] ?? 0) >>> 16;
  const code = 1 + 2 * magnitude + (value > 0 ? 1 : 0);
  return code === CODE_ZERO ? CODE_ZERO + 2 : code;
}

/** The middle of the deviations that share a code; NaN for the two that are no value. */
export function decodeDeviation(code: number): number {
  if (code === CODE_MISSING || code === CODE_NON_FINITE) return NaN;
  const magnitude = (code - 1) >>> 1;
  if (magnitude === 0) return 0;
  scratchBits[0] = ((magnitude << 16) | 0x8000) >>> 0;
  const size = scratch[0] ?? NaN;
  return (code - 1) % 2 === 1 ? size : -size;
}

/** [65536] how often each code occurs; what is no value is left out. */
export function countDeviations(codes: Uint16Array): Uint32Array {
  const counts = new Uint32Array(CODE_COUNT);
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1;
  counts[CODE_MISSING] = 0;
  counts[CODE_NON_FINITE] = 0;
  return counts;
}
