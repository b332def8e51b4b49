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
 * Where outliers recur they are the data's nature, not events: the fourth largest value of
 * the window may not lie further out than this many scales. (Of 128 normal values it lies
 * at 1.9 deviations: nothing changes for them. A loss of two populations, one in five
 * samples six deviations up, went from 21 false spikes in 10,000 steps to none.)
 */
const TAIL_Z = 4;
const TAIL_RANK = 3;
const FEWEST_FOR_TAIL = 32;

/** What the recurring outliers of a window ask of its scale. */
function tailScale({ sorted, count }: MedianWindow, median: number): number {
  if (count < FEWEST_FOR_TAIL) return 0;
  return ((sorted[count - 1 - TAIL_RANK] ?? 0) - median) / TAIL_Z;
}

/**
 * Median and scale of a window; scale = max(1.4826 MAD, 1e-3 |median|, half the logging
 * quantum, a quarter of the way to the fourth largest value). The quantum is the smallest
 * distance between two different values: a loss logged as bfloat16 takes few values, and
 * its MAD can be 0.
 *
 * Empty   NaN for both
 * Source  Hampel 1974 (MAD); the floors: docs/detection.md
 */
export function computeBaseline(window: MedianWindow): Baseline {
  const median = medianOf(window);
  const scale = Math.max(
    MAD_TO_STD * medianAbsoluteDeviation(window),
    RELATIVE_FLOOR * Math.abs(median),
    smallestGap(window) / 2,
    tailScale(window, median),
  );
  return { median, scale };
}

/**
 * Whether `value` lies `z` scales or more above the median, without working out more of the
 * scale than that takes: one comparison for half of all values.
 */
export function isBeyond(window: MedianWindow, value: number, z: number): boolean {
  const median = medianOf(window);
  const distance = value - median;
  if (distance <= 0 || distance < z * RELATIVE_FLOOR * Math.abs(median)) return false;
  if (distance < z * tailScale(window, median)) return false;
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
