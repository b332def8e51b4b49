/**
 * RMS spikes of a run: the steps on which some layer's RMS_t reaches 2.3 (a tensor of 1,000
 * values or more), or stands 6 scales above its own past. Spikes of any layers less than 10
 * steps apart are one event, dated by the earliest; so are those of reports that follow each
 * other, where layers report more seldom than that.
 */
import { RMS_MERGE_STEPS } from './layer-monitor';
import type { FirstMover } from './mover-log';

export interface RmsSpike {
  readonly onsetStep: number;
  readonly peakStep: number;
  readonly peakValue: number;
  /** Median RMS of the layer at the peak; null where it had no history. */
  readonly baseline: number | null;
  /** First reported step after the last spike of a layer; null while open. */
  readonly recoveredStep: number | null;
  /** The layers, each with its first step, earliest first; at most LAYERS_KEPT of layerCount. */
  readonly layers: readonly FirstMover[];
  readonly layerCount: number;
}

export interface RmsSpikeUpdate {
  readonly phase: 'opened' | 'updated' | 'closed';
  readonly event: RmsSpike;
}

/** The event that is open, if any; plain data. */
export interface RmsSpikeDetector {
  open: {
    onsetStep: number;
    lastStep: number;
    /** First step that was reported after `lastStep`, without a spike; null before it. */
    quietStep: number | null;
    peakStep: number;
    peakValue: number;
    baseline: number | null;
    layers: FirstMover[];
    /** Indices of all layers seen in this event. */
    seen: number[];
  } | null;
}

const LAYERS_KEPT = 256;

export interface RmsSpikeObservation {
  readonly step: number;
  /** Layers whose RMS spikes on this step. */
  readonly spiking: readonly number[];
  /** [L] */
  readonly rms: Float32Array;
  /** [L] median of each layer's past; NaN without one. */
  readonly median: Float32Array;
  readonly zOf: (layer: number, value: number) => number;
}

export function createRmsSpikeDetector(): RmsSpikeDetector {
  return { open: null };
}

/** Takes in one step; steps ascend. */
export function observeRmsSpikes(
  detector: RmsSpikeDetector,
  { step, spiking, rms, median, zOf }: RmsSpikeObservation,
): RmsSpikeUpdate[] {
  const updates: RmsSpikeUpdate[] = [];
  const { open } = detector;
  if (open !== null && spiking.length === 0) open.quietStep ??= step;
  const quietStep = open?.quietStep ?? null;
  if (open !== null && quietStep !== null && step - open.lastStep >= RMS_MERGE_STEPS) {
    updates.push({ phase: 'closed', event: toRmsSpike(open, quietStep) });
    detector.open = null;
  }
  if (spiking.length === 0) return updates;
  const isNew = detector.open === null;
  const event = (detector.open ??= {
    onsetStep: step,
    lastStep: step,
    quietStep: null,
    peakStep: step,
    peakValue: -Infinity,
    baseline: null,
    layers: [],
    seen: [],
  });
  event.lastStep = step;
  event.quietStep = null;
  let hasChanged = isNew;
  const seen = new Set(event.seen);
  for (const layer of spiking) {
    const value = rms[layer] ?? NaN;
    if (value > event.peakValue) {
      const past = median[layer] ?? NaN;
      event.peakValue = value;
      event.peakStep = step;
      event.baseline = Number.isFinite(past) ? past : null;
      hasChanged = true;
    }
    if (seen.has(layer)) continue;
    hasChanged = true;
    event.seen.push(layer);
    if (event.layers.length >= LAYERS_KEPT) continue;
    const z = zOf(layer, value);
    event.layers.push({
      layer,
      metric: 'rms',
      step,
      leadSteps: 0,
      z: Number.isFinite(z) ? z : null,
    });
  }
  if (hasChanged) {
    updates.push({ phase: isNew ? 'opened' : 'updated', event: toRmsSpike(event, null) });
  }
  return updates;
}

function toRmsSpike(
  { onsetStep, peakStep, peakValue, baseline, layers, seen }: NonNullable<RmsSpikeDetector['open']>,
  recoveredStep: number | null,
): RmsSpike {
  return {
    onsetStep,
    peakStep,
    peakValue,
    baseline,
    recoveredStep,
    layers: [...layers],
    layerCount: seen.length,
  };
}
