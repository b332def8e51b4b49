/**
 * The run's own gradient norm: for jobs that post no layers, the one series that can say
 * whether something moved before the loss did.
 */
import { LEAD_STEPS } from './mover-log';
import { type MedianWindow, createMedianWindow, pushValue } from './median-window';
import { computeLogBaseline, robustZ } from './robust-baseline';
import { type SampleFilter, createSampleFilter, isMeasuredNorm } from './sample-filter';

export interface NormWatch {
  readonly filter: SampleFilter;
  /** log10 of the measured norms. */
  readonly window: MedianWindow;
  isMoving: boolean;
  /** Starts of excursions, oldest first; at most EXCURSIONS_KEPT. */
  excursions: { step: number; z: number }[];
}

/** When the norm left its baseline, counted from the loss's rise. */
export interface NormLead {
  readonly step: number;
  readonly leadSteps: number;
  readonly z: number;
}

const WINDOW = 128;
const NORM_SAMPLES_NEEDED = 64;
const OUTLIER_Z = 6;
/** 5 %, as for the layers. */
const SCALE_FLOOR = 0.02;
const EXCURSIONS_KEPT = 64;

export function createNormWatch(): NormWatch {
  return {
    filter: createSampleFilter(),
    window: createMedianWindow(WINDOW),
    isMoving: false,
    excursions: [],
  };
}

export function hasNormHistory({ window }: NormWatch): boolean {
  return window.count >= NORM_SAMPLES_NEEDED;
}

/** Takes in one step's norm; null where the step reported none. Outliers stay out of the baseline. */
export function observeNorm(
  watch: NormWatch,
  step: number,
  norm: number | null,
  lossScale: number | null,
): void {
  if (norm === null || !isMeasuredNorm(watch.filter, norm, lossScale) || norm < 0) return;
  const value = Math.log10(norm);
  const { window } = watch;
  if (!hasNormHistory(watch)) {
    pushValue(window, value);
    return;
  }
  const z = robustZ(value, computeLogBaseline(window, SCALE_FLOOR));
  if (z < OUTLIER_Z) {
    watch.isMoving = false;
    pushValue(window, value);
    return;
  }
  if (!watch.isMoving) {
    watch.excursions.push({ step, z });
    if (watch.excursions.length > EXCURSIONS_KEPT) watch.excursions.shift();
  }
  watch.isMoving = true;
}

/** Newest step on which an excursion began; −1 before the first. */
export function lastExcursionStep({ excursions }: NormWatch): number {
  return excursions.at(-1)?.step ?? -1;
}

/** The first excursion within the 10 steps before the loss rose, or on that step. */
export function findNormLead({ excursions }: NormWatch, riseStep: number): NormLead | null {
  const first = excursions.find(({ step }) => step >= riseStep - LEAD_STEPS && step <= riseStep);
  return first === undefined ? null : { ...first, leadSteps: riseStep - first.step };
}
