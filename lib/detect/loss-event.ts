import type { Reevaluation } from '../contract/reads';
import type { Baseline } from './robust-baseline';

export type { Reevaluation } from '../contract/reads';

export const LOSS_EVENT_KINDS = ['loss_spike', 'outlier_batch', 'divergence'] as const;
export type LossEventKind = (typeof LOSS_EVENT_KINDS)[number];

export const RECOVERIES = ['fast', 'slow', 'partial', 'unrecovered', 'diverged', 'open'] as const;
export type Recovery = (typeof RECOVERIES)[number];

/** One event of a loss series. Steps are the run's; `baseline` and `scale` those before it. */
export interface LossEvent {
  readonly kind: LossEventKind;
  /** First step at z ≥ 6, or the first that was not finite. Never changes: the event's identity. */
  readonly openedStep: number;
  /** The start of the climb, back from the rise. Moves while the peak still grows. */
  readonly onsetStep: number;
  readonly confirmedStep: number;
  /** First step with 5 % of the way from baseline to peak; leads count from here. */
  readonly riseStep: number;
  readonly peakStep: number | null;
  /** null where no value of the event was finite. */
  readonly peakValue: number | null;
  /** null where training had not lasted long enough for one. */
  readonly baseline: number | null;
  readonly scale: number | null;
  /** What a step of the climb lies above; null where there is no baseline. */
  readonly onsetLimit: number | null;
  readonly recoveredStep: number | null;
  readonly recovery: Recovery;
  /** Σ (loss − baseline) · steps until the recovery, over finite values. */
  readonly excessArea: number;
  /** Median of the 100 samples after the recovery less the median before; null until known. */
  readonly levelShift: number | null;
  /** True once a new attempt has taken the event over from the one before. */
  readonly isInherited: boolean;
}

export type LossUpdatePhase =
  /** Confirmed; the event is new to the reader. */
  | 'opened'
  /** Peak, rise or onset moved. */
  | 'updated'
  /** The loss came back, or was declared not to. */
  | 'closed'
  /** The level shift is known. */
  | 'settled'
  /** Dated and measured from both sides; nothing follows. */
  | 'reevaluated';

export interface LossUpdate {
  readonly phase: LossUpdatePhase;
  readonly event: LossEvent;
  /** Of the phase `reevaluated` alone. */
  readonly reevaluation: Reevaluation | null;
}

/** A measured value. */
export interface Point {
  readonly step: number;
  readonly value: number;
}

/** A measured value and how far above a baseline it stood. */
export interface Sample extends Point {
  readonly z: number;
}

export const OUTLIER_Z = 6;
export const ELEVATED_Z = 3;
/** Within so many samples, the first included, … */
const CANDIDATE_SAMPLES = 5;
/** … so many must be elevated for a spike. Two in eighty public runs, against 92 with two. */
const ELEVATED_NEEDED = 3;
const RISE_SHARE = 0.05;
/** A ripple that lasts as long as the baseline's window is a new level. */
const LONGEST_RIPPLE = 128;
const FAST_STEPS = 50;

export function classifyRecovery(onsetStep: number, recoveredStep: number): Recovery {
  return recoveredStep - onsetStep <= FAST_STEPS ? 'fast' : 'slow';
}

export type CandidateVerdict = 'pending' | 'spike' | 'outlier' | 'ripple';

/**
 * What the samples since an outlier amount to. A rise below `materialLimit` is a ripple
 * whatever its z: on a memorised loss the scatter is a hundredth of what oscillations near
 * the edge of stability do every fifty steps. One that still climbs stays pending, so that
 * a slow climb out of a flat loss keeps its first step.
 */
export function judgeCandidate(
  samples: readonly Sample[],
  materialLimit: number,
): CandidateVerdict {
  const isMaterial = samples.some(({ value }) => !(value < materialLimit));
  const isElevated = countElevated(samples.slice(0, CANDIDATE_SAMPLES)) >= ELEVATED_NEEDED;
  if (isMaterial && isElevated) return 'spike';
  if (samples.length < CANDIDATE_SAMPLES) return 'pending';
  if (!isElevated) return isMaterial ? 'outlier' : 'ripple';
  const lasts = countElevated(samples.slice(-CANDIDATE_SAMPLES)) >= ELEVATED_NEEDED;
  return lasts && samples.length < LONGEST_RIPPLE ? 'pending' : 'ripple';
}

function countElevated(samples: readonly Sample[]): number {
  return samples.filter(({ z }) => z >= ELEVATED_Z).length;
}

export interface Climb {
  readonly onsetStep: number;
  readonly riseStep: number;
}

/**
 * Where the climb to `peakValue` begins, from samples in step order that reach back before
 * the first outlier. The rise is the first step of the elevated run with 5 % of the way to
 * the peak; the onset is as far back from it as values lie above `onsetLimit` without a
 * gap, so that ripples on a flat loss before the climb do not date it.
 *
 * Empty  null where no sample has come far enough
 */
export function findClimb(
  samples: readonly Sample[],
  { openedStep, peakValue, onsetLimit }: ClimbInput,
  { median, scale }: Baseline,
): Climb | null {
  const threshold = median + Math.max(RISE_SHARE * (peakValue - median), ELEVATED_Z * scale);
  const opened = samples.findIndex(({ step }) => step >= openedStep);
  if (opened < 0) return null;
  let rise = walkBack(samples, opened, ({ z }) => z >= ELEVATED_Z);
  while (rise < samples.length && (samples[rise]?.value ?? 0) < threshold) rise++;
  const riseSample = samples[rise];
  const onset = walkBack(samples, rise, ({ value }) => value >= onsetLimit);
  const onsetSample = samples[onset];
  if (riseSample === undefined || onsetSample === undefined) return null;
  return { onsetStep: onsetSample.step, riseStep: riseSample.step };
}

export interface ClimbInput {
  readonly openedStep: number;
  readonly peakValue: number;
  /** What a step of the climb lies above. */
  readonly onsetLimit: number;
}

const ONSET_SHARE = 0.2;

/**
 * Above 3 scales and a fifth of what makes a candidate material a step belongs to the climb:
 * on a memorised loss three scales are a percent of the level, which it creeps up for ten
 * steps before it leaps.
 */
export function onsetLimitOf({ median, scale }: Baseline, materialLimit: number): number {
  return median + Math.max(ELEVATED_Z * scale, ONSET_SHARE * (materialLimit - median));
}

/** The earliest index from which every sample up to `index` belongs. */
function walkBack(
  samples: readonly Sample[],
  index: number,
  belongs: (sample: Sample) => boolean,
): number {
  let first = index;
  for (let before = samples[first - 1]; before !== undefined; before = samples[first - 1]) {
    if (!belongs(before)) break;
    first--;
  }
  return first;
}
