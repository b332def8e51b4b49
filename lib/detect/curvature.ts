/**
 * Curvature against what Adam stands: κ = η·λ·(1−β1)/(2+2β1), λ the largest eigenvalue of
 * the preconditioned Hessian. At κ = 1, where η·λ = 38 for β1 = 0.9, EMA-momentum descent
 * stops being stable on a quadratic. A full-batch run sits at 0.8 to 1.1 (the adaptive edge
 * of stability), others lower: the line is no alarm, staying beyond it is.
 */
export interface CurvatureWatch {
  /** Newest samples, oldest first, as far back as LOOK_BACK_STEPS. */
  samples: { step: number; kappa: number }[];
  /** Samples in a row above ALERT_LEVEL. */
  aboveSamples: number;
  isAlerting: boolean;
}

export type CurvatureAlert = 'none' | 'beyond_limit' | 'doubled';

export interface CurvatureReading {
  readonly step: number;
  readonly kappa: number;
  /** What is the matter on this sample. */
  readonly alert: CurvatureAlert;
  /** True on the first sample of an alert. */
  readonly isNewAlert: boolean;
  /** κ > 1 where the learning rate is at its peak: a longer warm-up or a lower peak. */
  readonly advisesLongerWarmUp: boolean;
}

export const CURVATURE_LIMIT = 1;
const ALERT_LEVEL = 1.2;
const ALERT_SAMPLES = 3;
const DOUBLING = 2;
const LOOK_BACK_STEPS = 200;
/** Below half the limit a doubling leads nowhere: sharpness starts near 0 and climbs. */
const DOUBLING_FLOOR = 0.5;
const SAMPLES_KEPT = 256;

export function createCurvatureWatch(): CurvatureWatch {
  return { samples: [], aboveSamples: 0, isAlerting: false };
}

/**
 * λ·η at which EMA-momentum descent on a quadratic turns unstable: (2+2β1)/(1−β1).
 *
 * Values  2 (0) · 6 (.5) · 18 (.8) · 38 (.9) · 78 (.95) · 398 (.99)
 */
export function stabilityLimit(beta1: number): number {
  return (2 + 2 * beta1) / (1 - beta1);
}

/** NaN/Inf  NaN where an input is not finite, or β1 is not below 1 */
export function computeKappa(sharpness: number, learningRate: number, beta1: number): number {
  const kappa = (learningRate * sharpness) / stabilityLimit(beta1);
  return Number.isFinite(kappa) && beta1 < 1 ? kappa : NaN;
}

/** Takes in one sample of κ; null when it is not finite. */
export function observeCurvature(
  watch: CurvatureWatch,
  { step, kappa, isAtPeak }: { step: number; kappa: number; isAtPeak: boolean },
): CurvatureReading | null {
  if (!Number.isFinite(kappa)) return null;
  watch.samples = watch.samples
    .filter((sample) => step - sample.step <= LOOK_BACK_STEPS)
    .slice(-SAMPLES_KEPT);
  const lowest = Math.min(...watch.samples.map((sample) => sample.kappa));
  watch.samples.push({ step, kappa });
  watch.aboveSamples = kappa > ALERT_LEVEL ? watch.aboveSamples + 1 : 0;
  const hasDoubled = kappa >= DOUBLING * lowest && kappa >= DOUBLING_FLOOR;
  const alert =
    watch.aboveSamples >= ALERT_SAMPLES ? 'beyond_limit' : hasDoubled ? 'doubled' : 'none';
  const isNewAlert = alert !== 'none' && !watch.isAlerting;
  watch.isAlerting = alert !== 'none';
  return {
    step,
    kappa,
    alert,
    isNewAlert,
    advisesLongerWarmUp: isAtPeak && kappa > CURVATURE_LIMIT,
  };
}
