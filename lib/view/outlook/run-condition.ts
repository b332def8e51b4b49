import type { Spike } from '../../contract/reads';
import type { Attempt, Optimizer, RunEvent } from '../../contract/runs';
import type { Warning } from '../../contract/warnings';
import { formatStep } from '../text/format-number';
import type { LearningRateSchedule } from './learning-rate-schedule';

/** Where a layer stands now and since when. */
export interface LayerNow {
  readonly layer: number;
  readonly stage: string;
  readonly label: string | null;
  /** The label in words. */
  readonly meaning: string | null;
  readonly fromStep: number;
}

/** [L] newest values of the metrics that remedies ask for; NaN where not finite or not reported. */
export interface LayerFigures {
  readonly rms: readonly number[];
  /** Share of coordinates whose √v is below ε. */
  readonly belowEpsilon: readonly number[];
  readonly ratioDip: readonly number[];
}

/** All that the panel beside the heatmap judges a run by, at its newest step. */
export interface RunCondition {
  readonly newestStep: number;
  readonly isLossNonFinite: boolean;
  readonly optimizer: Optimizer;
  readonly attempts: readonly Pick<Attempt, 'attempt' | 'resumeFromStep' | 'optimizer'>[];
  /** Onset ascending. */
  readonly spikes: readonly Spike[];
  readonly events: readonly Pick<RunEvent, 'kind' | 'step'>[];
  readonly warnings: readonly Warning[];
  /** Empty where no layer could be placed. */
  readonly layers: readonly LayerNow[];
  readonly figures: LayerFigures;
  /** The newest stability ratio; null for a run that reports no curvature. */
  readonly stability: { readonly step: number; readonly value: number } | null;
  readonly schedule: LearningRateSchedule | null;
  /** Layers whose gradient norm is ten times its median; null where not known. */
  readonly tenfoldCount: number | null;
  readonly layerNames: readonly string[];
}

/** RMS_t below which v is larger than the gradients that feed it. */
export const STALE_RMS = 0.3;
/** Dip of r from which it has two peaks. */
export const TWO_PEAKS_DIP = 0.03;
/** A spike that is over within so many steps is fast. */
export const FAST_STEPS = 50;
/** Rewinding less far has let spikes come again. */
export const REWIND_STEPS = 100;
/** What lies farther back than this is no news. */
export const RECENT_STEPS = 200;

export function openLossSpike({ spikes }: RunCondition): Spike | null {
  return (
    spikes.findLast(({ kind, recovery }) => kind === 'loss_spike' && recovery === 'open') ?? null
  );
}

export function lossSpikes({ spikes }: RunCondition): readonly Spike[] {
  return spikes.filter(({ kind }) => kind === 'loss_spike');
}

export function recentRmsSpikes({ spikes, newestStep }: RunCondition): readonly Spike[] {
  return spikes.filter(
    ({ kind, onsetStep }) => kind === 'rms_spike' && newestStep - onsetStep <= RECENT_STEPS,
  );
}

export function layersIn(
  { layers }: RunCondition,
  ...stages: readonly string[]
): readonly LayerNow[] {
  return layers.filter(({ stage }) => stages.includes(stage));
}

export function labelledLayers({ layers }: RunCondition, wanted: string): readonly LayerNow[] {
  return layers.filter(({ label }) => label === wanted);
}

/** The largest finite value and its layer; null where none is known. */
export function largestOf(
  values: readonly number[],
): { readonly layer: number; readonly value: number } | null {
  let best: { layer: number; value: number } | null = null;
  values.forEach((value, layer) => {
    if (Number.isFinite(value) && (best === null || value > best.value)) best = { layer, value };
  });
  return best;
}

export const countText = (count: number, word: string): string =>
  `${formatStep(count)} ${word}${count === 1 ? '' : 's'}`;
