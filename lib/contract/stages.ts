/**
 * Where a layer stands in the process of the paper. The index is the value of the metric
 * `stage`; 1 to 9 are the paper's nine, in order.
 */
export const STAGE_NAMES = [
  'insufficient_data',
  'healthy',
  'gradients_vanish',
  'update_collapsed',
  'correlating',
  'armed',
  'trigger',
  'explosion',
  'decorrelating',
  'recovering',
  'diverged',
] as const;

export type StageName = (typeof STAGE_NAMES)[number];

/**
 * The metrics that a layer must report before it can be called healthy, each with what
 * may stand for it.
 */
export const STAGE_INPUTS: readonly (readonly string[])[] = [
  ['gradient_norm', 'gradient_rms'],
  ['second_moment_below_epsilon_fraction'],
  ['update_std'],
  ['ratio_std'],
  ['update_dip'],
  ['ratio_dip'],
  ['gradient_cosine'],
];

/**
 * Where stages begin and end; docs/detection.md says why there. Widths are shares of the
 * healthy one, √((1−β1)/(1+β1)).
 */
export const STAGE_THRESHOLDS = {
  /** Of the share √v < ε, and of the width of u: both are asked for, either one releases. */
  collapsedShare: 0.5,
  collapsedWidth: 0.2,
  releasedShare: 0.25,
  releasedWidth: 0.5,
  /** Of ε, for the RMS of gradients that had vanished. */
  returnedGradient: 2,
  /** Of the smoothed lag-1 cosine. */
  correlatedCosine: 0.05,
  uncorrelatedCosine: 0.03,
  /** Of the dip: from here on two peaks, and one peak again. */
  twoPeaksDip: 0.03,
  onePeakDip: 0.02,
  /** Decades of the gradient above the median of its last 64. */
  jumpDecades: 1,
  /** Of the width of r, between it and that of u. */
  explosionGap: 0.25,
  /** Samples without a jump after which a trigger is over, without a loss event. */
  quietToLeaveTrigger: 3,
  /** Steps after the loss event, however few of them were reported. */
  recoverySteps: 40,
  /** Steps through which reports, two at the least, ask for a slow change before it happens. */
  dwellSteps: 3,
  /** Reports in a row that ask for one that the cosine decides: its noise is each report’s own. */
  dwellSamples: 3,
  /** Widths of r and u, RMS and cosine that tell a stale v and an oscillating gradient. */
  staleRatioWidth: 0.5,
  staleUpdateWidth: 0.2,
  staleRms: 0.3,
  turningCosine: -0.3,
} as const;

/**
 * The numbers that a change of stage or label was decided with, in the order in which they
 * are kept. Widths and the share below ε are those of coordinates that get gradients.
 */
export const STAGE_EVIDENCE = [
  'gradientRms',
  'epsilon',
  'secondMomentBelowEpsilonFraction',
  'updateStd',
  'ratioStd',
  'healthyStd',
  'updateDip',
  'ratioDip',
  /** Smoothed: 0.8 of what it was and 0.2 of the newest. */
  'gradientCosine',
  'rms',
  /** log10 of the gradient over the median of its last 64. */
  'gradientJumpDecades',
  'structuralZeroFraction',
  /** 1 while a loss event or a candidate is open, else 0. */
  'lossDisturbed',
] as const;
export type StageEvidence = Readonly<Record<(typeof STAGE_EVIDENCE)[number], number | null>>;

/** What the labels beside a stage say to a person; the index of a label in lib/detect is how it is kept. */
export const STAGE_LABEL_MEANINGS: Readonly<Record<string, string>> = {
  corrupt_ratio: '|r| beyond its bound: the posted moments are not Adam’s with these betas',
  start_up: 'start of training or warm-up: two peaks of r are no sign of anything',
  stale_v: 'u and r are both at 0 because v remembers larger gradients; ε has no part in it',
  oscillating_gradient: 'u and r are both at 0 because the gradient turns round every step',
  single_burst: 'one gradient outweighs the whole history',
  benign_gradient_spike:
    'the gradient jumped by a decade, from a healthy layer and without a loss event',
  gradient_spike: 'the gradient jumped by a decade while the loss was disturbed',
  structural_zeros: 'coordinates that never get a gradient are left out of the judgement',
};

/** null without a label, and for one that is not known. */
export function describeStageLabel(label: string | null): string | null {
  return label === null ? null : (STAGE_LABEL_MEANINGS[label] ?? null);
}

/** What a person at the run would look at first, the mildest first: the way back is milder than the way in. */
export const STAGES_BY_SEVERITY: readonly StageName[] = [
  'insufficient_data',
  'healthy',
  'recovering',
  'decorrelating',
  'gradients_vanish',
  'update_collapsed',
  'correlating',
  'armed',
  'trigger',
  'explosion',
  'diverged',
];

export function isStageName(name: string): name is StageName {
  return STAGE_NAMES.some((known) => known === name);
}

/** The value of the metric `stage`; NaN for a name that is none. */
export function stageCode(name: string): number {
  return isStageName(name) ? STAGE_NAMES.indexOf(name) : NaN;
}

/** The most severe of the names; null where none is a stage. */
export function findWorstStage(names: Iterable<string>): StageName | null {
  let worst = -1;
  for (const name of names) {
    if (isStageName(name)) worst = Math.max(worst, STAGES_BY_SEVERITY.indexOf(name));
  }
  return STAGES_BY_SEVERITY[worst] ?? null;
}
