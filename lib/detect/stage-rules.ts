/**
 * The transitions of one layer. Thresholds and order: docs/detection.md. All are pure
 * readings of numbers; time (dwell, start-up, expiry) is the machine's.
 */
import { STAGE_THRESHOLDS } from '../contract/stages';
import { Label, Stage } from './stage-names';

/** What is known of one layer on one step; NaN where an input is not. */
export interface StageReading {
  /** RMS of the gradient. */
  gradient: number;
  /** Share √v < ε, and standard deviations of u and r, of coordinates that get gradients. */
  belowEpsilon: number;
  updateStd: number;
  ratioStd: number;
  updateDip: number;
  ratioDip: number;
  /** Smoothed lag-1 cosine. */
  cosine: number;
  rms: number;
  isJump: boolean;
  /** Consecutive samples without a jump. */
  quietSamples: number;
  /** Steps in the present stage, reported or not. */
  stageSteps: number;
  /** A loss event was open since the layer triggered. */
  hasSeenLossEvent: boolean;
}

/** What is the same for all layers of a step. */
export interface StageSetting {
  readonly epsilon: number;
  /** √((1−β1)/(1+β1)): the width of r in a healthy layer. */
  readonly healthyStd: number;
  /** (1−β1)/√(1−β2); NaN where β2 is not known. */
  readonly burst: number;
  /** A loss event or a candidate is open. */
  readonly isLossDisturbed: boolean;
  /** The loss event that closed last was never recovered from. */
  readonly isLossLost: boolean;
}

const ARMED_DIP = STAGE_THRESHOLDS.twoPeaksDip;
const DISARMED_DIP = STAGE_THRESHOLDS.onePeakDip;
const CORRELATED_COSINE = STAGE_THRESHOLDS.correlatedCosine;
const UNCORRELATED_COSINE = STAGE_THRESHOLDS.uncorrelatedCosine;
const QUIET_TO_LEAVE_TRIGGER = STAGE_THRESHOLDS.quietToLeaveTrigger;
/** The paper's layers look healthy again 30 to 50 steps after the loss does. */
const RECOVERY_STEPS = STAGE_THRESHOLDS.recoverySteps;
const EXPLOSION_GAP = STAGE_THRESHOLDS.explosionGap;
const COLLAPSED_SHARE = STAGE_THRESHOLDS.collapsedShare;
const COLLAPSED_WIDTH = STAGE_THRESHOLDS.collapsedWidth;
const RELEASED_SHARE = STAGE_THRESHOLDS.releasedShare;
const RELEASED_WIDTH = STAGE_THRESHOLDS.releasedWidth;
const RETURNED_GRADIENT = STAGE_THRESHOLDS.returnedGradient;
const STALE_RATIO = STAGE_THRESHOLDS.staleRatioWidth;
const STALE_UPDATE = STAGE_THRESHOLDS.staleUpdateWidth;
const STALE_RMS = STAGE_THRESHOLDS.staleRms;
const TURNING_COSINE = STAGE_THRESHOLDS.turningCosine;

/** Whether everything is known that a layer must show to be called healthy. */
export function isFullyKnown(
  reading: StageReading,
  { epsilon, healthyStd }: StageSetting,
): boolean {
  const { gradient, belowEpsilon, updateStd, ratioStd, updateDip, ratioDip, cosine } = reading;
  // NaN, the only value that differs from itself, carries through the sum.
  const sum =
    epsilon +
    healthyStd +
    gradient +
    belowEpsilon +
    updateStd +
    ratioStd +
    updateDip +
    ratioDip +
    cosine;
  return !Number.isNaN(sum);
}

/** Transitions that wait for nothing: the trigger, the explosion and what the loss decides. */
export function nextStageAtOnce(
  stage: number,
  reading: StageReading,
  setting: StageSetting,
): number {
  const { isJump, updateDip, updateStd, ratioStd, ratioDip } = reading;
  switch (stage) {
    case Stage.updateCollapsed:
    case Stage.correlating:
    case Stage.armed:
      return isJump ? Stage.trigger : stage;
    case Stage.trigger:
      if (updateDip >= ARMED_DIP && Math.abs(updateStd - ratioStd) < EXPLOSION_GAP * ratioStd) {
        return Stage.explosion;
      }
      if (ratioDip < DISARMED_DIP && setting.isLossDisturbed) return Stage.decorrelating;
      if (setting.isLossDisturbed || reading.quietSamples < QUIET_TO_LEAVE_TRIGGER) return stage;
      if (reading.hasSeenLossEvent) return afterLossEvent(setting);
      return ratioDip >= ARMED_DIP ? Stage.armed : Stage.updateCollapsed;
    case Stage.explosion:
      if (!(ratioDip < DISARMED_DIP)) return stage;
      return setting.isLossDisturbed ? Stage.decorrelating : afterLossEvent(setting);
    case Stage.decorrelating:
      return setting.isLossDisturbed ? stage : afterLossEvent(setting);
    case Stage.recovering:
    case Stage.diverged:
      return reading.stageSteps >= RECOVERY_STEPS ? Stage.healthy : stage;
    default:
      return stage;
  }
}

function afterLossEvent({ isLossLost }: StageSetting): number {
  return isLossLost ? Stage.diverged : Stage.recovering;
}

/**
 * Where a layer would go if it went on like this: one step of the slow part, S1 to S5. The
 * machine moves there once this has been the answer for long enough.
 */
export function nextStageSlowly(
  stage: number,
  reading: StageReading,
  setting: StageSetting,
  isHeld: boolean,
): number {
  if (stage > Stage.armed) return stage;
  const { gradient, belowEpsilon, updateStd, ratioDip, cosine } = reading;
  const { epsilon, healthyStd } = setting;
  if (stage >= Stage.updateCollapsed) {
    if (belowEpsilon < RELEASED_SHARE || updateStd > RELEASED_WIDTH * healthyStd) {
      return gradient > RETURNED_GRADIENT * epsilon ? Stage.healthy : Stage.gradientsVanish;
    }
    // A stale v or an oscillating gradient looks like all of these: nothing moves on.
    if (isHeld) return stage;
    if (stage === Stage.armed) {
      if (ratioDip >= DISARMED_DIP) return stage;
      return cosine >= UNCORRELATED_COSINE ? Stage.correlating : Stage.updateCollapsed;
    }
    if (ratioDip >= ARMED_DIP) return Stage.armed;
    if (stage === Stage.correlating) {
      return cosine < UNCORRELATED_COSINE ? Stage.updateCollapsed : stage;
    }
    return cosine >= CORRELATED_COSINE ? Stage.correlating : stage;
  }
  if (!isHeld && belowEpsilon >= COLLAPSED_SHARE && updateStd < COLLAPSED_WIDTH * healthyStd) {
    return Stage.updateCollapsed;
  }
  if (gradient < epsilon && !Number.isNaN(belowEpsilon)) return Stage.gradientsVanish;
  if (stage === Stage.gradientsVanish && gradient <= RETURNED_GRADIENT * epsilon) return stage;
  return isFullyKnown(reading, setting) ? Stage.healthy : Stage.insufficientData;
}

/**
 * Whether u is at 0 with r at 0 too, which ε cannot do, and why: RMS < 0.3 says that v is
 * stale, a cosine below −0.3 that the gradient turns round (a gradient that does nothing
 * else leaves u at 0.23 of its healthy width). `before` is the layer's label: what held is
 * given up later than it is taken on, so that a layer between the two does not change its
 * label every other step.
 */
export function staleLabel(
  { updateStd, ratioStd, cosine, rms }: StageReading,
  { healthyStd }: StageSetting,
  before: number,
): number {
  const wasOscillating = before === Label.oscillatingGradient;
  const was = wasOscillating || before === Label.staleV;
  if (!(ratioStd < (was ? 0.6 : STALE_RATIO) * healthyStd)) return Label.none;
  const isNarrow = updateStd < (was ? 0.25 : STALE_UPDATE) * healthyStd;
  const isTurning =
    cosine < (wasOscillating ? -0.1 : TURNING_COSINE) && updateStd < 0.5 * healthyStd;
  if (!isNarrow && !isTurning) return Label.none;
  const isVStale = rms < (wasOscillating ? 0.2 : was ? 0.45 : STALE_RMS);
  return isTurning && !isVStale ? Label.oscillatingGradient : Label.staleV;
}

/** Whether r has the width that one dominant gradient gives it. */
export function isSingleBurst(
  { ratioStd, isJump }: StageReading,
  { burst }: StageSetting,
): boolean {
  return isJump && Math.abs(ratioStd - burst) < 0.15 * burst;
}
