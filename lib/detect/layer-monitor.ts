/**
 * Gradient jumps and RMS spikes of every layer, one step at a time: the columns of
 * `gradient_rms` (or `gradient_norm`) and `rms` in, flags a layer out. Baselines hold still
 * for a layer that jumps while the loss is disturbed, so that an explosion does not become
 * its own measure.
 */
import {
  type LayerBaselines,
  MIN_SAMPLES,
  createLayerBaselines,
  endSample,
  layerZ,
  longMedian,
  nextRow,
} from './layer-baselines';
import { type MoverLog, createMoverLog, logMover } from './mover-log';

export interface LayerMonitor {
  readonly layers: number;
  readonly gradient: LayerBaselines;
  readonly rms: LayerBaselines;
  /** [L] of the newest step: a sum of LayerFlag. */
  readonly flags: Uint32Array;
  /** [L] samples that a jump has kept out of the gradient's baseline without a break. */
  readonly heldSamples: Uint32Array;
  readonly movers: MoverLog;
  /** Newest step on which some layer left its baseline; -1 before the first. */
  lastMoverStep: number;
  /** Layers whose RMS spikes on the newest step. */
  rmsSpiking: number[];
  /** [L] newest step on which the layer's RMS spiked; −1 before the first. */
  readonly rmsSpikedAt: Float64Array;
  /** Of `rmsSpiking`, the layers whose last spike is 10 steps or more behind. */
  rmsStarting: number[];
}

/** Bits of `flags`. */
export const LayerFlag = {
  /** J ≥ 1: a decade above the median of the last 64. */
  jump: 1,
  /** RMS ≥ 2.3. */
  rmsThreshold: 2,
  /** z ≥ 6 on log RMS. */
  rmsOutlier: 4,
  /** RMS < 0.3: the second moment is larger than the gradients. */
  rmsLow: 8,
  /** Most of v lies below ε², which then stands in its place: RMS says nothing. */
  rmsBlind: 16,
} as const;

const GRADIENT_WINDOW = { width: 128, span: 64, refresh: 16 };
const RMS_WINDOW = { width: 128, span: 128, refresh: 32 };
/** A decade. */
const JUMP_FACTOR = 10;
/** Wortsman et al. 2023. */
const RMS_SPIKE = 2.3;
const RMS_STALE = 0.3;
/**
 * Of so many values RMS_t is a mean that 2.3 says something about. The values of a bias of 32
 * move together: its RMS scatters by half a decade and is at 2.3 every few hundred steps of
 * healthy training, so that it must stand out of its own past (docs/decisions/012).
 */
const RMS_WIDE_TENSOR = 1000;
const RMS_OUTLIER_Z = 6;
const RMS_MIN_SAMPLES = 64;
/** Spikes of a layer nearer to each other are one (Wortsman et al.). */
export const RMS_MERGE_STEPS = 10;
/** Share of √v below ε from which RMS is blind. */
const BLIND_SHARE = 0.5;
/** After so many a jump is a new level, and the baseline follows. */
const LONGEST_HOLD = 256;

export function createLayerMonitor(layers: number): LayerMonitor {
  return {
    layers,
    gradient: createLayerBaselines(layers, GRADIENT_WINDOW),
    rms: createLayerBaselines(layers, RMS_WINDOW),
    flags: new Uint32Array(layers),
    heldSamples: new Uint32Array(layers),
    movers: createMoverLog(layers),
    lastMoverStep: -1,
    rmsSpiking: [],
    rmsSpikedAt: new Float64Array(layers).fill(-1),
    rmsStarting: [],
  };
}

/** Whether the baselines have lasted long enough to say that no layer moved. */
export function hasLayerHistory({ gradient, rms }: LayerMonitor): boolean {
  return Math.max(gradient.sampleCount, rms.sampleCount) >= MIN_SAMPLES;
}

export function hasGradientHistory({ gradient }: LayerMonitor): boolean {
  return gradient.sampleCount >= MIN_SAMPLES;
}

export interface LayerColumns {
  /** [L]; NaN where a layer reported nothing. RMS or norm: only its changes are read. */
  readonly gradient: Float32Array | undefined;
  readonly rms: Float32Array | undefined;
  /** `second_moment_below_epsilon_fraction`. */
  readonly belowEpsilon: Float32Array | undefined;
  /** [L]; undefined where nobody knows, and every tensor counts as wide. */
  readonly parameterCounts?: ArrayLike<number>;
}

/**
 * Takes in one step. `isDisturbed`: a loss event or a candidate is open, and baselines hold
 * still for layers that stand out.
 *
 * Shape  columns [L]
 * Cost   O(layers); a median of one layer in 16 or 32 a step
 */
export function observeLayers(
  monitor: LayerMonitor,
  step: number,
  columns: LayerColumns,
  isDisturbed: boolean,
): void {
  const { gradient, rms } = columns;
  if (gradient !== undefined) observeGradients(monitor, step, gradient, isDisturbed);
  monitor.rmsSpiking = [];
  monitor.rmsStarting = [];
  if (rms !== undefined) observeRms(monitor, step, rms, columns, isDisturbed);
}

function observeGradients(
  monitor: LayerMonitor,
  step: number,
  column: Float32Array,
  isDisturbed: boolean,
): void {
  const { gradient, flags, heldSamples, layers } = monitor;
  const row = nextRow(gradient);
  const { median } = gradient;
  for (let layer = 0; layer < layers; layer++) {
    const value = column[layer] ?? NaN;
    const before = flags[layer] ?? 0;
    // False for NaN on either side; true for an infinite gradient.
    if (value >= JUMP_FACTOR * (median[layer] ?? NaN)) {
      if ((before & LayerFlag.jump) === 0) {
        flags[layer] = before | LayerFlag.jump;
        // Where gradients swing by decades within 128 steps, one more swing is no move.
        if (value >= JUMP_FACTOR * longMedian(gradient, layer)) {
          noteMover(monitor, { step, layer, metric: 0, z: layerZ(gradient, layer, value) });
        }
      }
      const held = heldSamples[layer] ?? 0;
      if (isDisturbed && held < LONGEST_HOLD) {
        heldSamples[layer] = held + 1;
        row[layer] = median[layer] ?? NaN;
        continue;
      }
    } else if (before !== 0) {
      flags[layer] = before & ~LayerFlag.jump;
      heldSamples[layer] = 0;
    }
    // Two stores: a choice between a number and a constant NaN would box the number.
    if (value < Infinity) row[layer] = value;
    else row[layer] = NaN;
  }
  endSample(gradient);
}

function observeRms(
  monitor: LayerMonitor,
  step: number,
  column: Float32Array,
  { gradient, belowEpsilon, parameterCounts }: LayerColumns,
  isDisturbed: boolean,
): void {
  const { rms, flags, layers } = monitor;
  const row = nextRow(rms);
  const { median } = rms;
  const hasBaseline = rms.sampleCount >= RMS_MIN_SAMPLES;
  for (let layer = 0; layer < layers; layer++) {
    const value = column[layer] ?? NaN;
    const before = flags[layer] ?? 0;
    let now = before & LayerFlag.jump;
    const isAbove = value >= RMS_SPIKE;
    if (isAbove) now |= LayerFlag.rmsThreshold;
    else if (value < RMS_STALE) now |= LayerFlag.rmsLow;
    if (belowEpsilon !== undefined && (belowEpsilon[layer] ?? NaN) >= BLIND_SHARE) {
      now |= LayerFlag.rmsBlind;
    }
    // The floor of the scale makes 6 scales at least 32 %: a cheap first test.
    if (hasBaseline && value >= 1.3 * (median[layer] ?? NaN)) {
      const z = layerZ(rms, layer, value);
      if (z >= RMS_OUTLIER_Z) {
        now |= LayerFlag.rmsOutlier;
        const isNew = (before & LayerFlag.rmsOutlier) === 0;
        // Where gradients are at hand z alone is no move: an RMS of 0.1 reaches z = 6 by
        // doubling, which it does every few hundred steps before nothing at all.
        const counts = gradient === undefined || isAbove;
        if (isNew && counts) noteMover(monitor, { step, layer, metric: 1, z });
      }
    }
    if ((isAbove && isWide(parameterCounts, layer)) || (now & LayerFlag.rmsOutlier) !== 0) {
      monitor.rmsSpiking.push(layer);
      const wasSpiking =
        (before & LayerFlag.rmsOutlier) !== 0 ||
        ((before & LayerFlag.rmsThreshold) !== 0 && isWide(parameterCounts, layer));
      noteRmsSpike(monitor, layer, step, wasSpiking);
    }
    flags[layer] = now;
    const isHeld = isDisturbed && (now & LayerFlag.rmsOutlier) !== 0;
    if (isHeld) row[layer] = median[layer] ?? NaN;
    else if (value < Infinity) row[layer] = value;
    else row[layer] = NaN;
  }
  endSample(rms);
}

function isWide(parameterCounts: ArrayLike<number> | undefined, layer: number): boolean {
  return (parameterCounts?.[layer] ?? Infinity) >= RMS_WIDE_TENSOR;
}

function noteRmsSpike(
  { rmsSpikedAt, rmsStarting }: LayerMonitor,
  layer: number,
  step: number,
  /** On the report before: it goes on, however many steps lie between. */
  wasSpiking: boolean,
): void {
  const last = rmsSpikedAt[layer] ?? -1;
  if (last < 0 || (step - last >= RMS_MERGE_STEPS && !wasSpiking)) rmsStarting.push(layer);
  rmsSpikedAt[layer] = step;
}

function noteMover(
  monitor: LayerMonitor,
  mover: { step: number; layer: number; metric: number; z: number },
): void {
  logMover(monitor.movers, mover);
  monitor.lastMoverStep = mover.step;
}
