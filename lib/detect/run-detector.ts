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
import type { LossUpdate } from './loss-event';
import {
  type LossDetector,
  createLossDetector,
  isExempt,
  isIdle,
  isLossDisturbed,
} from './loss-state';
import { observeLoss } from './loss-detector';
import {
  type CurvatureReading,
  type CurvatureWatch,
  computeKappa,
  createCurvatureWatch,
  observeCurvature,
} from './curvature';
import { layerZ } from './layer-baselines';
import { type LayerMonitor, createLayerMonitor, observeLayers } from './layer-monitor';
import { type NormWatch, createNormWatch, observeNorm } from './norm-watch';
import { type Precursor, findPrecursor } from './precursor';
import {
  type RmsSpikeDetector,
  type RmsSpikeUpdate,
  createRmsSpikeDetector,
  observeRmsSpikes,
} from './rms-spikes';
import { type StageChange, type StageColumns, observeStages } from './stage-machine';
import type { StageSetting } from './stage-rules';
import { HELD_INPUTS, type StageState, createStageState } from './stage-state';
import { isWarmingUp } from './warm-up';

export interface RunDetector {
  readonly layers: number;
  /** The newest step taken in; -1 before the first. */
  newestStep: number;
  readonly loss: LossDetector;
  readonly monitor: LayerMonitor;
  readonly norm: NormWatch;
  readonly rmsSpikes: RmsSpikeDetector;
  readonly stages: StageState;
  readonly curvature: CurvatureWatch;
  /** The loss event that closed last was not recovered from. */
  isLossLost: boolean;
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
  /** By the contract's names: loss, learning_rate, gradient_norm, loss_scale, preconditioned_sharpness. */
  readonly scalars: ReadonlyMap<string, number>;
  /** By the contract's names, [L] each, all layers; NaN (or "missing") where not reported. */
  readonly layerMetrics: ReadonlyMap<string, Float32Array>;
}

export type LossReport = LossUpdate & { readonly precursor: Precursor };

export interface StepFindings {
  readonly loss: readonly LossReport[];
  readonly rmsSpikes: readonly RmsSpikeUpdate[];
  readonly stages: readonly StageChange[];
  /** [L] codes of Stage, to be stored as the metric `stage`; null when no layer was looked at. */
  readonly stageColumn: Float32Array | null;
  /** κ of this step; null where the job posted no `preconditioned_sharpness`. */
  readonly curvature: CurvatureReading | null;
  /** A sample stands out and is not judged yet: the earliest warning there is. */
  readonly isCandidateOpen: boolean;
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
    rmsSpikes: createRmsSpikeDetector(),
    stages: createStageState(layers),
    curvature: createCurvatureWatch(),
    isLossLost: false,
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
  const gradient = gradientRms(detector, layerMetrics, context);
  const rms = layerMetrics.get('rms');
  const isDisturbed = isLossDisturbed(detector.loss);
  observeLayers(
    detector.monitor,
    step,
    { gradient, rms, belowEpsilon: layerMetrics.get('second_moment_below_epsilon_fraction') },
    { isDisturbed, isQuiet: isIdle(detector.loss) && !isExempt(detector.loss) },
  );
  const norm = scalars.get('gradient_norm') ?? null;
  observeNorm(detector.norm, step, norm, lossScaleOf(scalars));
  const stages = observeLayerStages(detector, observation, context, { gradient, rms });
  return {
    loss: updates.map((update) => ({
      ...update,
      precursor: findPrecursor(detector.monitor, detector.norm, update.event.riseStep),
    })),
    rmsSpikes: rms === undefined ? [] : observeRms(detector, step, rms),
    stages: stages ?? [],
    stageColumn: stages === null ? null : new Float32Array(detector.stages.stage),
    curvature: observeSharpness(detector, step, scalars, context),
    isCandidateOpen: detector.loss.candidate.length > 0,
  };
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
function observeRms(
  { loss, monitor, rmsSpikes }: RunDetector,
  step: number,
  rms: Float32Array,
): RmsSpikeUpdate[] {
  return observeRmsSpikes(rmsSpikes, {
    step,
    spiking: isWarmingUp(loss.warmUp) ? [] : monitor.rmsSpiking,
    rms,
    median: monitor.rms.median,
    zOf: (layer, value) => layerZ(monitor.rms, layer, value),
  });
}

/** null when the step brought nothing that a stage is made of. */
function observeLayerStages(
  { loss, monitor, stages, isLossLost }: RunDetector,
  { step, layerMetrics }: StepObservation,
  context: DetectorContext,
  { gradient, rms }: { gradient: Float32Array | undefined; rms: Float32Array | undefined },
): StageChange[] | null {
  const columns: { -readonly [Name in keyof StageColumns]: StageColumns[Name] } = {};
  for (const name of HELD_INPUTS) {
    const column = layerMetrics.get(name);
    if (column !== undefined) columns[name] = column;
  }
  if (gradient !== undefined) columns.gradient = gradient;
  if (rms !== undefined) columns.rms = rms;
  if (Object.keys(columns).length === 0) return null;
  return observeStages(stages, {
    step,
    columns,
    flags: monitor.flags,
    setting: stageSetting(context, isLossDisturbed(loss), isLossLost),
    isWarmingUp: isWarmingUp(loss.warmUp),
  });
}

/** NaN where the run does not name a beta or ε: every comparison with it fails, no stage is told. */
function stageSetting(
  { beta1, beta2, epsilon }: DetectorContext,
  isDisturbed: boolean,
  isLossLost: boolean,
): StageSetting {
  const b1 = beta1 ?? NaN;
  return {
    epsilon: epsilon ?? NaN,
    healthyStd: Math.sqrt((1 - b1) / (1 + b1)),
    burst: (1 - b1) / Math.sqrt(1 - (beta2 ?? NaN)),
    isLossDisturbed: isDisturbed,
    isLossLost,
  };
}

function observeSharpness(
  { curvature, loss }: RunDetector,
  step: number,
  scalars: ReadonlyMap<string, number>,
  { beta1 }: DetectorContext,
): CurvatureReading | null {
  const sharpness = scalars.get('preconditioned_sharpness');
  const learningRate = scalars.get('learning_rate');
  if (sharpness === undefined || learningRate === undefined || beta1 === null) return null;
  const kappa = computeKappa(sharpness, learningRate, beta1);
  const isAtPeak = learningRate >= NEAR_PEAK * (loss.warmUp.peak ?? Infinity);
  return observeCurvature(curvature, { step, kappa, isAtPeak });
}
