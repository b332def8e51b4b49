import { STAGE_NAMES, type StageName } from '../contract/stages';

/** Codes of the metric `stage`: the index of each name of the contract. */
export const Stage = {
  insufficientData: 0,
  healthy: 1,
  gradientsVanish: 2,
  updateCollapsed: 3,
  correlating: 4,
  armed: 5,
  trigger: 6,
  explosion: 7,
  decorrelating: 8,
  recovering: 9,
  diverged: 10,
} as const;

/** What is said beside the stage; the index is how a label is kept. */
export const STAGE_LABELS = [
  null,
  /** Every r is ±1 at step 1 and two-peaked through the warm-up: no sign of anything. */
  'start_up',
  /** u and r are both at 0 because v remembers larger gradients; ε has no part in it. */
  'stale_v',
  /** u and r are both at 0 because the gradient turns round every step. */
  'oscillating_gradient',
  /** One gradient outweighs the whole history: peaks at ±(1−β1)/√(1−β2). */
  'single_burst',
  /** A decade above its past, from a healthy layer and without a loss event. */
  'benign_gradient_spike',
  /** The same while the loss is disturbed. */
  'gradient_spike',
  /** Coordinates that never get a gradient, left out of the judgement. */
  'structural_zeros',
  /** |r| beyond its bound: the posted moments are not Adam's with the run's betas. */
  'corrupt_ratio',
] as const;

export type StageLabel = (typeof STAGE_LABELS)[number];

export const Label = {
  none: 0,
  startUp: 1,
  staleV: 2,
  oscillatingGradient: 3,
  singleBurst: 4,
  benignGradientSpike: 5,
  gradientSpike: 6,
  structuralZeros: 7,
  corruptRatio: 8,
} as const;

export function stageName(code: number): StageName {
  return STAGE_NAMES[code] ?? 'insufficient_data';
}

export function stageLabel(code: number): StageLabel {
  return STAGE_LABELS[code] ?? null;
}
