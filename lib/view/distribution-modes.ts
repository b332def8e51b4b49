import { prepareDistributionAxis } from './distribution-axis';
import { drawBins, type CountedDistribution } from './distribution-bins';

/** One place where a distribution is highest. */
export interface Mode {
  readonly at: number;
  readonly density: number;
}

export interface Modes {
  /** At most two, by position; the higher peaks where there are more. */
  readonly modes: readonly Mode[];
  /** Lowest density between the two over that of the lower one; null with fewer than two. */
  readonly valleyShare: number | null;
}

/** A lower bump than this share of the highest is noise or a shoulder, not a place to name. */
const LOWEST_PEAK = 0.3;
/** Two peaks are told apart where the density between them falls below this share of the lower. */
const DEEPEST_RIDGE = 0.7;

/** … and where the counts tell them apart too: this many standard deviations of counting. */
const COUNTING_SIGMAS = 3;

/**
 * Where the drawn density is highest, exact zeros left out. What a reader sees in the
 * panel, put into numbers; it is no test of bimodality (that is the dip's).
 *
 * Empty  no modes
 * Cost   O(bins)
 */
export function findModes(distribution: CountedDistribution): Modes {
  const axis = prepareDistributionAxis('linear', [distribution]);
  const { bins } = drawBins(distribution, axis);
  // 1-2-1: one pass takes the teeth off counting noise and moves no peak.
  const smooth = bins.map((bin, i) => {
    const before = bins[i - 1]?.density ?? 0;
    const after = bins[i + 1]?.density ?? 0;
    return (before + 2 * bin.density + after) / 4;
  });
  // Counts over three bins, which is as far as the smoothing sees.
  const counts = bins.map(
    ({ count }, i) => (bins[i - 1]?.count ?? 0) + count + (bins[i + 1]?.count ?? 0),
  );
  const highest = Math.max(0, ...smooth);
  if (highest === 0) return { modes: [], valleyShare: null };

  const peaks: number[] = [];
  smooth.forEach((density, i) => {
    const before = smooth[i - 1] ?? 0;
    const after = smooth[i + 1] ?? 0;
    if (density < LOWEST_PEAK * highest || density < before || density <= after) return;
    const previous = peaks.at(-1);
    if (previous === undefined || isValleyDeep(smooth, counts, previous, i)) peaks.push(i);
    else if (density > (smooth[previous] ?? 0)) peaks[peaks.length - 1] = i;
  });
  const named = [...peaks]
    .sort((a, b) => (smooth[b] ?? 0) - (smooth[a] ?? 0))
    .slice(0, 2)
    .sort((a, b) => a - b);
  const [first, second] = named;
  return {
    modes: named.map((i) => ({ at: centreOfPeak(bins, i), density: smooth[i] ?? 0 })),
    valleyShare:
      first === undefined || second === undefined ? null : valleyShare(smooth, first, second),
  };
}

function valleyShare(smooth: readonly number[], first: number, second: number): number {
  const lower = Math.min(smooth[first] ?? 0, smooth[second] ?? 0);
  return Math.min(...smooth.slice(first, second + 1)) / lower;
}

/** Deep in the drawing, and deeper than a small sample makes by chance. */
function isValleyDeep(
  smooth: readonly number[],
  counts: readonly number[],
  first: number,
  second: number,
): boolean {
  if (valleyShare(smooth, first, second) >= DEEPEST_RIDGE) return false;
  const lower = Math.min(counts[first] ?? 0, counts[second] ?? 0);
  const valley = Math.min(...counts.slice(first, second + 1));
  return lower - valley >= COUNTING_SIGMAS * Math.sqrt(lower + valley);
}

/** Centre of mass of the top bin and its neighbours: finer than the bins are wide. */
function centreOfPeak(
  bins: readonly { leftEdge: number; rightEdge: number; count: number }[],
  peak: number,
): number {
  let mass = 0;
  let moment = 0;
  for (const bin of bins.slice(Math.max(0, peak - 1), peak + 2)) {
    mass += bin.count;
    moment += (bin.count * (bin.leftEdge + bin.rightEdge)) / 2;
  }
  return mass === 0 ? 0 : moment / mass;
}
