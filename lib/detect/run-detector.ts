/**
 * All detectors of one attempt of a run. Complete steps go in, in order; what became known
 * comes out:
 *
 *   loss ▶ layers' jumps and RMS ▶ gradient norm ▶ RMS spikes ▶ stages ▶ curvature
 *   ▶ reports of loss events with what moved before them
 *
 * The state is plain numbers and typed arrays, changed in place; `detector-codec.ts` turns
 * it into bytes and back, `continue-detector.ts` hands it to a new attempt.
 */
import { PRECONDITIONED_SHARPNESS, STABILITY_RATIO } from '../contract/warnings';
import type { LossUpdate } from './loss-event';
import {
  type LossDetector,
  createLossDetector,
  isExempt,
  isIdle,
  isLossDisturbed,
} from './loss-state';
import { concludeLosses, observeLoss } from './loss-detector';
import {
  type CurvatureReading,
  type CurvatureWatch,
  computeKappa,
  createCurvatureWatch,
  observeCurvature,
} from './curvature';
import { layerZ } from './layer-baselines';
import { type LayerMonitor, createLayerMonitor, observeLayers } from './layer-monitor';
import { type NormWatch, createNormWatch, lastExcursionStep, observeNorm } from './norm-watch';
import {
  type HeldPrecursor,
  type MoverOdds,
  type Precursor,
  countQuietStep,
  createMoverOdds,
  findPrecursor,
  findRmsPrecursor,
  hasHistory,
  holdPrecursor,
} from './precursor';
import {
  type RmsSpikeDetector,
  type RmsSpikeUpdate,
  createRmsSpikeDetector,
  observeRmsSpikes,
} from './rms-spikes';
import { toStageColumns, toStageSetting } from './stage-input';
import { type StageChange, observeStages } from './stage-machine';
import { type StageState, createStageState } from './stage-state';
import { isWarmingUp } from './warm-up';

export interface RunDetector {
  readonly layers: number;
  /** The newest step taken in; -1 before the first. */
  newestStep: number;
  readonly loss: LossDetector;
  readonly monitor: LayerMonitor;
  readonly norm: NormWatch;
  readonly odds: MoverOdds;
  /** Of the spikes that may still be told of. */
  readonly precursors: HeldPrecursor[];
  readonly rmsSpikes: RmsSpikeDetector;
  readonly stages: StageState;
  readonly curvature: CurvatureWatch;
  /** The loss event that closed last was not recovered from. */
  isLossLost: boolean;
  /** From here on a spike would be seen: start-up is over. null while it is not. */
  watchedFromStep: number | null;
}

/** What a run says of itself; undefined or null where it does not. */
export interface DetectorContext {
  /** [L] for jobs that post `gradient_norm` and no `gradient_rms`. */
  readonly parameterCounts: ArrayLike<number>;
  readonly beta1: number | null;
  readonly beta2: number | null;
  readonly epsilon: number | null;
}

export interface StepObservation {
  readonly step: number;
  /**
   * By the contract's names: loss, learning_rate, gradient_norm, loss_scale,
   * preconditioned_sharpness or stability_ratio.
   */
  readonly scalars: ReadonlyMap<string, number>;
  /** By the contract's names, [L] each, all layers; NaN (or "missing") where not reported. */
  readonly layerMetrics: ReadonlyMap<string, Float32Array>;
}

export type LossReport = LossUpdate & { readonly precursor: Precursor };
export type RmsReport = RmsSpikeUpdate & { readonly precursor: Precursor };

export interface StepFindings {
  readonly loss: readonly LossReport[];
  readonly rmsSpikes: readonly RmsReport[];
  /** Layers whose RMS begins to spike on this step, 10 steps or more after their last spike. */
  readonly rmsStarting: readonly number[];
  readonly stages: readonly StageChange[];
  /** [L] codes of Stage, to be stored as the metric `stage`; null when no layer was looked at. */
  readonly stageColumn: Float32Array | null;
  /** κ of this step; null where the job posted no `preconditioned_sharpness`. */
  readonly curvature: CurvatureReading | null;
  /** A sample stands out and is not judged yet: the earliest warning there is. */
  readonly isCandidateOpen: boolean;
}

/** [L] each. */
interface LayerInputs {
  readonly gradient: Float32Array | undefined;
  readonly rms: Float32Array | undefined;
}

const LOSS_SCALES = ['loss_scale', 'grad_scale', 'loss_scaling'] as const;
/** Within this of the peak a decaying schedule still counts as its top. */
const NEAR_PEAK = 0.95;

export function createRunDetector(layers: number): RunDetector {
  return {
    layers,
    newestStep: -1,
    loss: createLossDetector(),
    monitor: createLayerMonitor(layers),
    norm: createNormWatch(),
    odds: createMoverOdds(),
    precursors: [],
    rmsSpikes: createRmsSpikeDetector(),
    stages: createStageState(layers),
    curvature: createCurvatureWatch(),
    isLossLost: false,
    watchedFromStep: null,
  };
}

/**
 * Takes in one complete step.
 *
 * Throws  RangeError for a step that is not above the newest: the caller orders them
 * Cost    0.3 µs a layer with every metric that is read (bench/detect.ts)
 */
export function observeStep(
  detector: RunDetector,
  observation: StepObservation,
  context: DetectorContext,
): StepFindings {
  const { step, scalars, layerMetrics } = observation;
  if (step <= detector.newestStep) {
    throw new RangeError(`expected a step above ${detector.newestStep}, got ${step}`);
  }
  detector.newestStep = step;
  const updates = observeLoss(detector.loss, {
    step,
    loss: scalars.get('loss') ?? null,
    learningRate: scalars.get('learning_rate') ?? null,
  });
  for (const { phase, event } of updates) {
    if (phase === 'opened' && event.kind !== 'outlier_batch') detector.isLossLost = false;
    if (phase === 'closed') detector.isLossLost = isLost(event.recovery);
  }
  if (!isExempt(detector.loss) && !isWarmingUp(detector.loss.warmUp)) {
    detector.watchedFromStep ??= step;
  }
  const gradient = gradientRms(detector, layerMetrics, context);
  const rms = layerMetrics.get('rms');
  observeMovements(detector, observation, context, { gradient, rms });
  const stages = observeLayerStages(detector, observation, context, { gradient, rms });
  return {
    loss: updates.map((update) => toReport(detector, update)),
    rmsSpikes: rms === undefined ? [] : observeRms(detector, step, rms),
    rmsStarting: isWarmingUp(detector.loss.warmUp) ? [] : detector.monitor.rmsStarting,
    stages: stages ?? [],
    stageColumn: stages === null ? null : new Float32Array(detector.stages.stage),
    curvature: observeSharpness(detector, step, scalars, context),
    isCandidateOpen: detector.loss.candidate.length > 0,
  };
}

/**
 * The run has ended: what still waits for later losses is seen again by those there are.
 * The detectors are left able to go on.
 */
export function concludeRun(detector: RunDetector): LossReport[] {
  return concludeLosses(detector.loss).map((update) => toReport(detector, update));
}

function toReport(detector: RunDetector, update: LossUpdate): LossReport {
  const { kind, openedStep, riseStep } = update.event;
  const precursor = holdPrecursor(detector.precursors, { kind, openedStep, riseStep }, () =>
    findPrecursor(detector, riseStep),
  );
  return { ...update, precursor };
}

/** What layers and the gradient norm do, and how often they move where nothing follows. */
function observeMovements(
  { loss, monitor, norm, odds }: RunDetector,
  { step, scalars, layerMetrics }: StepObservation,
  { parameterCounts }: DetectorContext,
  columns: LayerInputs,
): void {
  const lastMoverStep = Math.max(monitor.lastMoverStep, lastExcursionStep(norm));
  const belowEpsilon = layerMetrics.get('second_moment_below_epsilon_fraction');
  observeLayers(
    monitor,
    step,
    { ...columns, belowEpsilon, parameterCounts },
    isLossDisturbed(loss),
  );
  const gradientNorm = scalars.get('gradient_norm');
  observeNorm(norm, step, gradientNorm ?? null, lossScaleOf(scalars));
  const isMeasured =
    gradientNorm !== undefined || columns.gradient !== undefined || columns.rms !== undefined;
  if (isMeasured && isIdle(loss) && !isExempt(loss) && hasHistory(monitor, norm)) {
    countQuietStep(odds, step, lastMoverStep);
  }
}

function isLost(recovery: string): boolean {
  return recovery === 'unrecovered' || recovery === 'diverged';
}

function lossScaleOf(scalars: ReadonlyMap<string, number>): number | null {
  for (const name of LOSS_SCALES) {
    const scale = scalars.get(name);
    if (scale !== undefined) return scale;
  }
  return null;
}

/** `gradient_rms`, or `gradient_norm` divided by √n. */
function gradientRms(
  { layers }: RunDetector,
  layerMetrics: ReadonlyMap<string, Float32Array>,
  { parameterCounts }: DetectorContext,
): Float32Array | undefined {
  const posted = layerMetrics.get('gradient_rms');
  if (posted !== undefined) return posted;
  const norms = layerMetrics.get('gradient_norm');
  if (norms === undefined) return undefined;
  const column = new Float32Array(layers);
  for (let layer = 0; layer < layers; layer++) {
    column[layer] = (norms[layer] ?? NaN) / Math.sqrt(parameterCounts[layer] ?? 1);
  }
  return column;
}

/** RMS spikes wait for the end of the warm-up: nothing in it has a past to be measured by. */
function observeRms(detector: RunDetector, step: number, rms: Float32Array): RmsReport[] {
  const { loss, monitor, rmsSpikes, precursors } = detector;
  const updates = observeRmsSpikes(rmsSpikes, {
    step,
    spiking: isWarmingUp(loss.warmUp) ? [] : monitor.rmsSpiking,
    rms,
    median: monitor.rms.median,
    zOf: (layer, value) => layerZ(monitor.rms, layer, value),
  });
  return updates.map((update) => {
    const { onsetStep } = update.event;
    const spike = { kind: 'rms_spike', openedStep: onsetStep, riseStep: onsetStep } as const;
    const find = (): Precursor => findRmsPrecursor(detector, onsetStep);
    return { ...update, precursor: holdPrecursor(precursors, spike, find) };
  });
}

/** null when the step brought nothing that a stage is made of. */
function observeLayerStages(
  { loss, monitor, stages, isLossLost }: RunDetector,
  { step, layerMetrics }: StepObservation,
  context: DetectorContext,
  inputs: LayerInputs,
): StageChange[] | null {
  const columns = toStageColumns(layerMetrics, inputs);
  if (Object.keys(columns).length === 0) return null;
  return observeStages(stages, {
    step,
    columns,
    flags: monitor.flags,
    gradientMedian: monitor.gradient.median,
    setting: toStageSetting(context, isLossDisturbed(loss), isLossLost),
    isWarmingUp: isWarmingUp(loss.warmUp),
  });
}

/** κ as it was posted or derived at the door, else from what it is made of. */
function observeSharpness(
  { curvature, loss }: RunDetector,
  step: number,
  scalars: ReadonlyMap<string, number>,
  { beta1 }: DetectorContext,
): CurvatureReading | null {
  const learningRate = scalars.get('learning_rate') ?? null;
  const sharpness = scalars.get(PRECONDITIONED_SHARPNESS) ?? NaN;
  const kappa =
    scalars.get(STABILITY_RATIO) ?? computeKappa(sharpness, learningRate ?? NaN, beta1 ?? NaN);
  const isAtPeak = (learningRate ?? NaN) >= NEAR_PEAK * (loss.warmUp.peak ?? Infinity);
  return observeCurvature(curvature, { step, kappa, learningRate, isAtPeak });
}
