import type { Histogram } from './histogram-moments';
import { computeHistogramWindow, countBelow } from './histogram-window';

/** One place where a distribution is highest. */
export interface HistogramMode {
  /** Mean of the values within the window at the peak: finer than the bins are wide. */
  readonly position: number;
  /** Share of all finite values between the valleys on its two sides. */
  readonly mass: number;
  /** Share of all finite values per unit of x, at the peak. */
  readonly density: number;
}

/** Two peaks are told apart where the window between them holds less than this share of the lower. */
const HIGHEST_VALLEY = 0.85;
/** … and where the difference is this many standard deviations of its counting noise. */
const NOISE_DEVIATIONS = 4;

interface Peak {
  /** Index of a window; any one of a plateau. */
  at: number;
  inWindow: number;
  /** Index of the lowest window between it and the peak before. */
  valley: number;
}

/**
 * Peaks of a histogram, by position, as the window of `computeHistogramWindow` sees it.
 *
 * Shape       B ≥ 1 bins → no more than a few modes; their masses sum to the binned share
 * Units       position in those of x, density in one over them
 * Empty       no modes where no bin holds anything
 * NaN/Inf     non-finite values are left out
 * Definition  of the values in bins: an atom of exact zeros is no mode, and lies on neither
 *             side of a valley. A peak counts where the windows between it and the next
 *             hold less than 0.85 of the lower one, by more than 4 standard deviations of
 *             the difference of two counts. It is no test of bimodality (that is the dip)
 * Throws      RangeError when counts, edges and outside do not fit each other
 * Cost        O(B log B)
 */
export function findHistogramModes(histogram: Histogram): readonly HistogramMode[] {
  const { edges, outside } = histogram;
  const { below, binnedCount, halfWidth } = computeHistogramWindow(histogram);
  if (binnedCount === 0) return [];
  const [underflow = 0, overflow = 0, zeros = 0] = outside;
  const finiteCount = binnedCount + underflow + overflow + zeros;

  // The count in the window is piecewise linear in its centre: these are all its corners.
  const centers = new Float64Array(2 * edges.length);
  edges.forEach((edge, i) => {
    centers[2 * i] = edge - halfWidth;
    centers[2 * i + 1] = edge + halfWidth;
  });
  centers.sort();
  const inWindow = centers.map(
    (center) =>
      countBelow(edges, below, center + halfWidth) - countBelow(edges, below, center - halfWidth),
  );

  const peaks = findPeaks(inWindow);
  const borders = peaks.map(({ valley }, i) => (i === 0 ? -Infinity : (centers[valley] ?? 0)));
  borders.push(Infinity);
  return peaks.map(({ at, inWindow: most }, i) => {
    const center = middleOfPlateau(centers, inWindow, at);
    const mass =
      countBelow(edges, below, borders[i + 1] ?? 0) - countBelow(edges, below, borders[i] ?? 0);
    return {
      position: meanWithin(histogram, center - halfWidth, center + halfWidth),
      mass: mass / finiteCount,
      density: most / (2 * halfWidth * finiteCount),
    };
  });
}

/** Rounding of a plateau: counts are whole, shares of a bin are not. */
const LEVEL = 1 - 1e-9;

/** A symmetric shape in few bins is highest along a plateau: its middle is the mode. */
function middleOfPlateau(centers: Float64Array, inWindow: Float64Array, at: number): number {
  const level = LEVEL * (inWindow[at] ?? 0);
  let first = at;
  while ((inWindow[first - 1] ?? -1) >= level) first--;
  let last = at;
  while ((inWindow[last + 1] ?? -1) >= level) last++;
  return ((centers[first] ?? 0) + (centers[last] ?? 0)) / 2;
}

/** Peaks that the valleys between them tell apart, in order. */
function findPeaks(inWindow: Float64Array): readonly Peak[] {
  const peaks: Peak[] = [];
  /** Lowest since the last peak that is kept. */
  let valley = 0;
  for (let i = 0; i < inWindow.length; i++) {
    const here = inWindow[i] ?? 0;
    if (here < (inWindow[valley] ?? 0)) valley = i;
    const isPeak = here > (inWindow[i - 1] ?? -1) && here >= (inWindow[i + 1] ?? -1);
    if (!isPeak) continue;
    const last = peaks.at(-1);
    if (last === undefined || isSplit(inWindow[valley] ?? 0, Math.min(last.inWindow, here))) {
      peaks.push({ at: i, inWindow: here, valley });
      valley = i;
    } else if (here > last.inWindow) {
      last.at = i;
      last.inWindow = here;
      valley = i;
    }
  }
  return peaks;
}

function isSplit(valley: number, lowerPeak: number): boolean {
  return (
    valley < HIGHEST_VALLEY * lowerPeak &&
    lowerPeak - valley > NOISE_DEVIATIONS * Math.sqrt(lowerPeak + valley)
  );
}

/** Mean of the values with from ≤ x < to, each bin read as a uniform density. */
function meanWithin({ edges, counts }: Histogram, from: number, to: number): number {
  let sum = 0;
  let count = 0;
  counts.forEach((inBin, bin) => {
    const left = edges[bin] ?? 0;
    const right = edges[bin + 1] ?? 0;
    const start = Math.max(left, from);
    const end = Math.min(right, to);
    if (end <= start) return;
    const within = (inBin * (end - start)) / (right - left);
    count += within;
    sum += (within * (start + end)) / 2;
  });
  return sum / count;
}
