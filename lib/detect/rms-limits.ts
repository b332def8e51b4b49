import { RMS_SPIKE } from './layer-monitor';

/**
 * Largest RMS_t that one step can show, 1/√(1−β2): the second moment takes the gradient in
 * before it divides it.
 *
 * Values   4.47 (.95) · 7.07 (.98) · 10 (.99) · 31.6 (.999)
 * NaN/Inf  null for a β2 outside [0, 1)
 */
export function rmsCap(beta2: number): number | null {
  if (!(beta2 >= 0 && beta2 < 1)) return null;
  return 1 / Math.sqrt(1 - beta2);
}

/** Whether RMS_t can reach the threshold of 2.3 at all: from β2 = 0.811 on. */
export function canReachRmsThreshold(beta2: number): boolean {
  const cap = rmsCap(beta2);
  return cap !== null && cap >= RMS_SPIKE;
}

/**
 * RMS_t when every coordinate's gradient is `multiple` times what its history was:
 * k/√(β2 + (1−β2)k²).
 *
 * Values  10 → 4.10 (.95), 9.54 (.999)
 */
export function rmsOfBurst(multiple: number, beta2: number): number {
  return multiple / Math.sqrt(beta2 + (1 - beta2) * multiple * multiple);
}
