import { computeDensityAt } from '../../stats/density-at';
import { findHistogramModes, type HistogramMode } from '../../stats/histogram-modes';
import { computeHistogramWindow } from '../../stats/histogram-window';
import { countFinite, toHistogram, type CountedDistribution } from './to-histogram';

/** The peaks of a distribution that a sentence names. */
export interface NamedModes {
  /** At most two, by position; the higher ones where there are more. */
  readonly modes: readonly HistogramMode[];
  /** Lowest density between the two over that of the lower one; null with fewer than two. */
  readonly valleyShare: number | null;
}

/** A lower bump than this share of the highest is a shoulder, not a place to name. */
const LOWEST_PEAK = 0.3;
/** Where the density between two peaks is looked at; a valley is wider than a hundredth of it. */
const VALLEY_POINTS = 101;

/**
 * Where the density is highest, exact zeros left out: the modes of `lib/stats`, those that
 * are too low to name left out. It is no test of bimodality (that is the dip's).
 *
 * Empty  no modes
 * Cost   O(bins · log bins)
 */
export function findNamedModes(distribution: CountedDistribution): NamedModes {
  if (countFinite(distribution) === 0) return { modes: [], valleyShare: null };
  const histogram = toHistogram(distribution);
  const found = findHistogramModes(histogram);
  const highest = Math.max(0, ...found.map(({ density }) => density));
  const modes = [...found]
    .filter(({ density }) => density >= LOWEST_PEAK * highest)
    .sort((a, b) => b.density - a.density)
    .slice(0, 2)
    .sort((a, b) => a.position - b.position);
  const [first, second] = modes;
  if (first === undefined || second === undefined) return { modes, valleyShare: null };
  const { halfWidth } = computeHistogramWindow(histogram);
  const points = Array.from(
    { length: VALLEY_POINTS },
    (_, i) => first.position + ((second.position - first.position) * i) / (VALLEY_POINTS - 1),
  );
  const valley = Math.min(...computeDensityAt(histogram, points, halfWidth));
  return { modes, valleyShare: valley / Math.min(first.density, second.density) };
}
