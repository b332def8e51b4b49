import { ADAM_DEFAULTS } from './adam-defaults';
import { ratioBound } from './ratio-bound';

export const RATIO_BIN_COUNT = 128;

/** Rounding of m and v on the wire moves r by at most this share (10 mantissa bits: 7e-4). */
export const BOUND_TOLERANCE = 1e-3;

/**
 * Edges of the histogram of r: 128 equal bins over ±ratioBound · 1.001.
 *
 * A value beyond them is one that Adam cannot have made, so underflow and overflow count
 * corrupt ratios. Betas that are absent or have no bound (β1² ≥ β2) get the range of
 * ADAM_DEFAULTS, ±7.278; there an overflow only says that the value is large.
 *
 * Shape  [129] float32, strictly increasing, edge i = −edge (128 − i), the middle edge is 0
 * Units  none
 */
export function computeRatioEdges(
  beta1: number | null,
  beta2: number | null,
): Float32Array<ArrayBuffer> {
  const fallback = ratioBound(ADAM_DEFAULTS.beta1, ADAM_DEFAULTS.beta2) ?? 1;
  const bound = beta1 === null || beta2 === null ? null : ratioBound(beta1, beta2);
  const limit = (bound ?? fallback) * (1 + BOUND_TOLERANCE);
  const half = RATIO_BIN_COUNT / 2;
  const edges = new Float32Array(RATIO_BIN_COUNT + 1);
  for (let i = 1; i <= half; i++) {
    edges[half + i] = (limit * i) / half;
    edges[half - i] = -(limit * i) / half;
  }
  return edges;
}
