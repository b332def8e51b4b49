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

function isStageName(name: string): name is StageName {
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
