/**
 * The paper's process as a state machine of each layer. A step goes this way: inputs that
 * came are held ▶ per layer a reading ▶ transitions that wait for nothing ▶ the slow ones,
 * which must last ▶ the side label ▶ what changed.
 */
import { STAGE_EVIDENCE, STAGE_THRESHOLDS, type StageName } from '../contract/stages';
import { LayerFlag } from './layer-monitor';
import { type StageLabel, Label, Stage, stageLabel, stageName } from './stage-names';
import {
  type StageReading,
  type StageSetting,
  isFullyKnown,
  isSingleBurst,
  nextStageAtOnce,
  nextStageSlowly,
  staleLabel,
} from './stage-rules';
import { HELD_INPUTS, type HeldInput, type StageState } from './stage-state';

/** [L] each; `gradient` is its RMS. */
export type StageColumns = Partial<Readonly<Record<HeldInput | 'gradient' | 'rms', Float32Array>>>;

export interface StageObservation {
  readonly step: number;
  readonly columns: StageColumns;
  /** [L] of the layer monitor. */
  readonly flags: Uint32Array;
  /** [L] what a gradient's jump is measured from; NaN without a past. */
  readonly gradientMedian: Float32Array;
  readonly setting: StageSetting;
  /** The learning rate still climbs from the start of training. */
  readonly isWarmingUp: boolean;
}

/** A layer's stage or label from `step` on; what held before ends on the step before. */
export interface StageChange {
  readonly layer: number;
  readonly step: number;
  readonly stage: StageName;
  readonly label: StageLabel;
  /** What it was decided with, in the order of STAGE_EVIDENCE; NaN unknown. */
  readonly evidence: readonly number[];
}

const DWELL_SAMPLES = STAGE_THRESHOLDS.dwellSamples;
const DWELL_STEPS = STAGE_THRESHOLDS.dwellSteps;
/**
 * Of training's start that says nothing yet: as long as the loss's baseline takes to fill. In
 * steps, since moments forget by steps: a job that reports its layers every tenth step would
 * else be watched from step 640 on.
 */
const START_UP_STEPS = 64;
/** A warm-up excuses no longer than this. */
const LONGEST_START_UP = 1000;
/** A run first seen later than this has no start to learn structural zeros from. */
const LATEST_START_STEP = 64;
const FEWEST_STRUCTURAL_ZEROS = 0.1;
/** Where all but a few coordinates never get a gradient there is nothing to judge. */
const MOST_STRUCTURAL_ZEROS = 0.99;
/** An input older than this is not known any more. */
const HOLD_SAMPLES = 256;
const COSINE_MEMORY = 0.8;
const JUMP_LABEL_SAMPLES = 3;
/**
 * A stale v may not become an oscillating gradient, or the other way, sooner: both may be
 * true. A ratio that was corrupt is called so for as long, since it often is now and then.
 */
const SETTLED_SAMPLES = 16;
const MOST_QUIET_SAMPLES = 0xffff;

const COSINE = HELD_INPUTS.indexOf('gradient_cosine');
const RATIO_DIP = HELD_INPUTS.indexOf('ratio_dip');
const BEYOND_BOUND = HELD_INPUTS.indexOf('ratio_beyond_bound_fraction');
const BELOW_EPSILON = HELD_INPUTS.indexOf('second_moment_below_epsilon_fraction');

/**
 * Takes in one step; steps ascend. Changes `state`, whose `stage` then is the step's column
 * of the metric `stage`.
 *
 * Cost  O(layers)
 */
export function observeStages(state: StageState, observation: StageObservation): StageChange[] {
  const { step, columns, isWarmingUp } = observation;
  state.firstStep ??= step;
  const elapsed = step - (state.lastStep ?? step - 1);
  state.lastStep = step;
  state.sampleCount++;
  for (let input = 0; input < HELD_INPUTS.length; input++) {
    const column = columns[HELD_INPUTS[input] ?? 'ratio_dip'];
    if (column !== undefined) hold(state, input, column);
  }
  const age = step - state.firstStep;
  const isStartUp = age < START_UP_STEPS || (isWarmingUp && age < LONGEST_START_UP);
  if (isStartUp && state.firstStep <= LATEST_START_STEP) learnStructuralZeros(state);
  const changes: StageChange[] = [];
  for (let layer = 0; layer < state.layers; layer++) {
    read(state, layer, observation, elapsed);
    const stage = moveStage(state, layer, observation, isStartUp);
    const label = chooseLabel(state, layer, stage, observation, isStartUp);
    const isSameStage = stage === state.stage[layer];
    if (isSameStage && label === state.label[layer] && state.sampleCount > 1) {
      state.stageSteps[layer] = reading.stageSteps;
      continue;
    }
    state.stageSteps[layer] = isSameStage ? reading.stageSteps : 0;
    if (label !== state.label[layer]) state.labelSamples[layer] = 0;
    state.stage[layer] = stage;
    state.label[layer] = label;
    changes.push({
      layer,
      step,
      stage: stageName(stage),
      label: stageLabel(label),
      evidence: takeEvidence(state, layer, observation),
    });
  }
  return changes;
}

/** The reading at hand, kept: stages change seldom, so that copying costs nothing. */
function takeEvidence(
  { structuralZeros }: StageState,
  layer: number,
  { setting, gradientMedian }: StageObservation,
): readonly number[] {
  const { gradient, belowEpsilon, updateStd, ratioStd, updateDip, ratioDip, cosine, rms } = reading;
  const evidence: Record<(typeof STAGE_EVIDENCE)[number], number> = {
    gradientRms: gradient,
    epsilon: setting.epsilon,
    secondMomentBelowEpsilonFraction: belowEpsilon,
    updateStd,
    ratioStd,
    healthyStd: setting.healthyStd,
    updateDip,
    ratioDip,
    gradientCosine: cosine,
    rms,
    gradientJumpDecades: Math.log10(gradient / (gradientMedian[layer] ?? NaN)),
    structuralZeroFraction: structuralZeros[layer] ?? NaN,
    lossDisturbed: setting.isLossDisturbed ? 1 : 0,
  };
  return STAGE_EVIDENCE.map((name) => evidence[name]);
}

function hold(
  { held, heldAt, layers, sampleCount }: StageState,
  input: number,
  column: Float32Array,
) {
  const offset = input * layers;
  for (let layer = 0; layer < layers; layer++) {
    const value = column[layer] ?? NaN;
    if (Number.isNaN(value)) continue;
    const before = held[offset + layer] ?? NaN;
    held[offset + layer] =
      input === COSINE && !Number.isNaN(before)
        ? COSINE_MEMORY * before + (1 - COSINE_MEMORY) * value
        : value;
    heldAt[offset + layer] = sampleCount;
  }
}

/** Coordinates below ε from the very first step on: rows of an embedding that no batch holds. */
function learnStructuralZeros({ held, structuralZeros, layers }: StageState): void {
  for (let layer = 0; layer < layers; layer++) {
    const share = held[BELOW_EPSILON * layers + layer] ?? NaN;
    const known = structuralZeros[layer] ?? NaN;
    if (!(share >= known)) structuralZeros[layer] = share;
  }
}

/** One object for all layers and steps: a million a second would be garbage. */
const reading: StageReading = {
  gradient: NaN,
  belowEpsilon: NaN,
  updateStd: NaN,
  ratioStd: NaN,
  updateDip: NaN,
  ratioDip: NaN,
  cosine: NaN,
  rms: NaN,
  isJump: false,
  quietSamples: 0,
  stageSteps: 0,
  hasSeenLossEvent: false,
};

function heldValue(
  { held, heldAt, layers, sampleCount }: StageState,
  input: number,
  layer: number,
) {
  const at = input * layers + layer;
  const value = held[at] ?? NaN;
  // A constant NaN on one branch would box the number on the other: six a layer and step.
  return sampleCount - (heldAt[at] ?? 0) > HOLD_SAMPLES ? value * NaN : value;
}

/** Fills `reading` with what is known of a layer. */
function read(
  state: StageState,
  layer: number,
  observation: StageObservation,
  elapsed: number,
): void {
  const { columns, flags, setting } = observation;
  const zeros = state.structuralZeros[layer] ?? NaN;
  // Coordinates without gradients pull the widths towards 0 by the root of their share.
  const active = zeros >= FEWEST_STRUCTURAL_ZEROS && zeros < MOST_STRUCTURAL_ZEROS ? 1 - zeros : 1;
  const widen = active === 1 ? 1 : 1 / Math.sqrt(active);
  const { gradient, rms } = columns;
  reading.gradient = gradient === undefined ? NaN : (gradient[layer] ?? NaN);
  reading.rms = rms === undefined ? NaN : (rms[layer] ?? NaN);
  const below = heldValue(state, BELOW_EPSILON, layer);
  reading.belowEpsilon = active === 1 ? below : (below - (1 - active)) / active;
  reading.updateStd = heldValue(state, 1, layer) * widen;
  reading.ratioStd = heldValue(state, 2, layer) * widen;
  reading.updateDip = heldValue(state, 3, layer);
  reading.ratioDip = heldValue(state, RATIO_DIP, layer);
  reading.cosine = heldValue(state, COSINE, layer);
  reading.isJump = ((flags[layer] ?? 0) & LayerFlag.jump) !== 0;
  const quiet = state.quietSamples[layer] ?? 0;
  reading.quietSamples = reading.isJump ? 0 : Math.min(quiet + 1, MOST_QUIET_SAMPLES);
  state.quietSamples[layer] = reading.quietSamples;
  reading.stageSteps = (state.stageSteps[layer] ?? 0) + elapsed;
  state.labelSamples[layer] = (state.labelSamples[layer] ?? 0) + 1;
  if (reading.isJump && (state.stage[layer] ?? 0) < Stage.trigger)
    state.hasSeenLossEvent[layer] = 0;
  if (setting.isLossDisturbed) state.hasSeenLossEvent[layer] = 1;
  reading.hasSeenLossEvent = state.hasSeenLossEvent[layer] === 1;
}

function moveStage(
  state: StageState,
  layer: number,
  { step, setting }: StageObservation,
  isStartUp: boolean,
): number {
  const stage = state.stage[layer] ?? 0;
  if (isStartUp || (state.structuralZeros[layer] ?? NaN) >= MOST_STRUCTURAL_ZEROS) {
    state.wantedSamples[layer] = 0;
    return isFullyKnown(reading, setting) ? Stage.healthy : Stage.insufficientData;
  }
  const atOnce = nextStageAtOnce(stage, reading, setting);
  if (atOnce !== stage) {
    state.wantedSamples[layer] = 0;
    return atOnce;
  }
  // Where dips are posted every tenth step, only those steps count towards the dwell.
  if (state.heldAt[RATIO_DIP * state.layers + layer] !== state.sampleCount) {
    if (heldValue(state, RATIO_DIP, layer) > 0) return stage;
  }
  const isHeld = staleLabel(reading, setting, state.label[layer] ?? 0) !== Label.none;
  const wanted = nextStageSlowly(stage, reading, setting, isHeld);
  if (wanted === stage) {
    state.wantedSamples[layer] = 0;
    return stage;
  }
  const before = wanted === state.wanted[layer] ? (state.wantedSamples[layer] ?? 0) : 0;
  if (before === 0) state.wantedFrom[layer] = step;
  state.wanted[layer] = wanted;
  state.wantedSamples[layer] = before + 1;
  const steps = step - (state.wantedFrom[layer] ?? step) + 1;
  const isLasting = isOfCosine(stage, wanted)
    ? before + 1 >= DWELL_SAMPLES
    : before > 0 && steps >= DWELL_STEPS;
  if (!isLasting) return stage;
  state.wantedSamples[layer] = 0;
  return wanted;
}

/** Moments share most of what they remember from one step to the next, cosines share nothing. */
function isOfCosine(stage: number, wanted: number): boolean {
  if (wanted === Stage.correlating) return true;
  return stage === Stage.correlating && wanted === Stage.updateCollapsed;
}

function isStale(label: number): boolean {
  return label === Label.staleV || label === Label.oscillatingGradient;
}

function chooseLabel(
  state: StageState,
  layer: number,
  stage: number,
  { setting }: StageObservation,
  isStartUp: boolean,
): number {
  const before = state.label[layer] ?? Label.none;
  // First of all labels: what r says of a layer is worth nothing while it is corrupt.
  if (heldValue(state, BEYOND_BOUND, layer) > 0) {
    state.labelSamples[layer] = 0;
    return Label.corruptRatio;
  }
  const wasCorrupt = before === Label.corruptRatio;
  if (wasCorrupt && (state.labelSamples[layer] ?? 0) < SETTLED_SAMPLES) return before;
  if (isStartUp) return Label.startUp;
  if (isSingleBurst(reading, setting)) return Label.singleBurst;
  if (reading.quietSamples < JUMP_LABEL_SAMPLES && stage <= Stage.gradientsVanish) {
    if (setting.isLossDisturbed || stage === Stage.insufficientData) return Label.gradientSpike;
    return before === Label.gradientSpike ? before : Label.benignGradientSpike;
  }
  const stale = staleLabel(reading, setting, before);
  if (stale !== Label.none) {
    const isTurnedOver = isStale(before) && (state.labelSamples[layer] ?? 0) < SETTLED_SAMPLES;
    return isTurnedOver ? before : stale;
  }
  const zeros = state.structuralZeros[layer] ?? NaN;
  return zeros >= FEWEST_STRUCTURAL_ZEROS ? Label.structuralZeros : Label.none;
}
