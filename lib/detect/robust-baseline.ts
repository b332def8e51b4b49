import { type MedianWindow, medianAbsoluteDeviation, medianOf, smallestGap } from './median-window';

/** Where a series stands and how wide it scatters, unmoved by outliers. */
export interface Baseline {
  readonly median: number;
  /** > 0 unless every value and the floors are 0. */
  readonly scale: number;
}

/** MAD of a normal is 0.6745 of its standard deviation. */
const MAD_TO_STD = 1.4826;
/** Of the level: a memorised, flat loss has a MAD near 0, and z would know no bound. */
const RELATIVE_FLOOR = 1e-3;

/**
 * Median and scale of a window; scale = max(1.4826 MAD, 1e-3 |median|, half the logging
 * quantum), the quantum being the smallest distance between two different values: a loss
 * logged as bfloat16 takes few values, and its MAD can be 0.
 *
 * Empty   NaN for both
 * Source  Hampel 1974 (MAD); floors: docs/detection.md
 */
export function computeBaseline(window: MedianWindow): Baseline {
  const median = medianOf(window);
  const floor = RELATIVE_FLOOR * Math.abs(median);
  const scale = Math.max(MAD_TO_STD * medianAbsoluteDeviation(window), floor);
  // Half a quantum exceeds the rest only where values are coarse; the scan is O(width).
  return { median, scale: Math.max(scale, smallestGap(window) / 2) };
}

/**
 * Whether `value` lies `z` scales or more above the median, without working out more of the
 * scale than that takes: one comparison for half of all values.
 */
export function isBeyond(window: MedianWindow, value: number, z: number): boolean {
  const median = medianOf(window);
  const distance = value - median;
  if (distance <= 0 || distance < z * RELATIVE_FLOOR * Math.abs(median)) return false;
  if (distance < z * MAD_TO_STD * medianAbsoluteDeviation(window)) return false;
  return distance >= (z * smallestGap(window)) / 2;
}

/**
 * Median and scale of a series held as logarithms, where a floor relative to the level would be 0
 * at the level 1: the floor is an absolute width in decades.
 */
export function computeLogBaseline(window: MedianWindow, floorInDecades: number): Baseline {
  return {
    median: medianOf(window),
    scale: Math.max(
      MAD_TO_STD * medianAbsoluteDeviation(window),
      floorInDecades,
      smallestGap(window) / 2,
    ),
  };
}

/** Distance from the median in scales; 0 for the median itself even on a scale of 0. */
export function robustZ(value: number, { median, scale }: Baseline): number {
  const distance = value - median;
  return distance === 0 ? 0 : distance / scale;
}
