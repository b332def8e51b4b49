/**
 * Curvature against what Adam stands: κ = η·λ·(1−β1)/(2+2β1), λ the largest eigenvalue of
 * the preconditioned Hessian. At κ = 1, where η·λ = 38 for β1 = 0.9, EMA-momentum descent
 * stops being stable on a quadratic. A full-batch run sits at 0.8 to 1.1 (the adaptive edge
 * of stability), others lower: the line is no alarm, staying beyond it is.
 */
import { STABILITY_LIMIT, type WarningKind } from '../contract/warnings';

export interface CurvatureWatch {
  /** Newest samples, oldest first, as far back as LOOK_BACK_STEPS. */
  samples: { step: number; kappa: number }[];
  /** Samples in a row above ALERT_LEVEL, and the step of the first of them. */
  aboveSamples: number;
  aboveFrom: number;
  isAlerting: boolean;
  /** At most one a kind. */
  open: OpenWarning[];
}

/** A warning that holds; `lastStep` is the newest sample of which it was so. */
export interface OpenWarning {
  readonly kind: WarningKind;
  readonly fromStep: number;
  lastStep: number;
  peakStep: number;
  peakValue: number;
  learningRate: number | null;
}

export interface WarningUpdate {
  readonly phase: 'opened' | 'updated' | 'closed';
  readonly warning: Readonly<OpenWarning>;
}

export type CurvatureAlert = 'none' | 'beyond_limit' | 'doubled';

export interface CurvatureReading {
  readonly warnings: readonly WarningUpdate[];
  readonly step: number;
  readonly kappa: number;
  /** What is the matter on this sample. */
  readonly alert: CurvatureAlert;
  /** True on the first sample of an alert. */
  readonly isNewAlert: boolean;
  /** κ > 1 where the learning rate is at its peak: a longer warm-up or a lower peak. */
  readonly advisesLongerWarmUp: boolean;
}

const ALERT_LEVEL = 1.2;
const ALERT_SAMPLES = 3;
const DOUBLING = 2;
const LOOK_BACK_STEPS = 200;
/** Below half the limit a doubling leads nowhere: sharpness starts near 0 and climbs. */
const DOUBLING_FLOOR = 0.5;
const SAMPLES_KEPT = 256;

export function createCurvatureWatch(): CurvatureWatch {
  return { samples: [], aboveSamples: 0, aboveFrom: -1, isAlerting: false, open: [] };
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

export interface CurvatureSample {
  readonly step: number;
  readonly kappa: number;
  /** null where the step reported none. */
  readonly learningRate: number | null;
  /** The learning rate stands at its highest so far, or nearly. */
  readonly isAtPeak: boolean;
}

/** Takes in one sample of κ; null when it is not finite. */
export function observeCurvature(
  watch: CurvatureWatch,
  sample: CurvatureSample,
): CurvatureReading | null {
  const { step, kappa, isAtPeak } = sample;
  if (!Number.isFinite(kappa)) return null;
  watch.samples = watch.samples
    .filter((before) => step - before.step <= LOOK_BACK_STEPS)
    .slice(-SAMPLES_KEPT);
  const lowest = Math.min(...watch.samples.map((before) => before.kappa));
  watch.samples.push({ step, kappa });
  watch.aboveSamples = kappa > ALERT_LEVEL ? watch.aboveSamples + 1 : 0;
  if (watch.aboveSamples === 1) watch.aboveFrom = step;
  const hasDoubled = kappa >= DOUBLING * lowest && kappa >= DOUBLING_FLOOR;
  const isBeyond = watch.aboveSamples >= ALERT_SAMPLES;
  const alert = isBeyond ? 'beyond_limit' : hasDoubled ? 'doubled' : 'none';
  const isNewAlert = alert !== 'none' && !watch.isAlerting;
  watch.isAlerting = alert !== 'none';
  const advisesLongerWarmUp = isAtPeak && kappa > STABILITY_LIMIT;
  const warnings = [
    ...warn(watch, sample, {
      kind: 'curvature_beyond_limit',
      holds: isBeyond,
      isOver: !isBeyond,
      fromStep: watch.aboveFrom,
    }),
    ...warn(watch, sample, {
      kind: 'curvature_doubled',
      holds: hasDoubled,
      isOver: !hasDoubled,
      fromStep: step,
    }),
    // Around 1 it would come and go with every other sample: it stands while the peak does.
    ...warn(watch, sample, {
      kind: 'warm_up_too_short',
      holds: advisesLongerWarmUp,
      isOver: !isAtPeak,
      fromStep: step,
    }),
  ];
  return { step, kappa, alert, isNewAlert, advisesLongerWarmUp, warnings };
}

interface WarningRule {
  readonly kind: WarningKind;
  readonly holds: boolean;
  readonly isOver: boolean;
  /** Where it would begin. */
  readonly fromStep: number;
}

function warn(
  watch: CurvatureWatch,
  { step, kappa, learningRate }: CurvatureSample,
  { kind, holds, isOver, fromStep }: WarningRule,
): WarningUpdate[] {
  const open = watch.open.find((warning) => warning.kind === kind);
  if (open === undefined) {
    if (!holds) return [];
    const peak = watch.samples
      .filter((sample) => sample.step >= fromStep)
      .reduce((highest, sample) => (sample.kappa > highest.kappa ? sample : highest));
    const warning = {
      ...{ kind, fromStep, lastStep: step, learningRate },
      ...{ peakStep: peak.step, peakValue: peak.kappa },
    };
    watch.open.push(warning);
    return [{ phase: 'opened', warning: { ...warning } }];
  }
  if (isOver) {
    watch.open = watch.open.filter((warning) => warning !== open);
    return [{ phase: 'closed', warning: open }];
  }
  if (!holds) return [];
  open.lastStep = step;
  if (kappa <= open.peakValue) return [];
  Object.assign(open, { peakStep: step, peakValue: kappa, learningRate });
  return [{ phase: 'updated', warning: { ...open } }];
}
