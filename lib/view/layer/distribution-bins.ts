import { computeHistogramWindow, countBelow } from '../../stats/histogram-window';
import { toAxis, type DistributionAxis } from './distribution-axis';
import { countFinite, toHistogram, type CountedDistribution } from './to-histogram';

/** One bin as drawn; the edges are axis coordinates. */
export interface DrawnBin {
  readonly leftEdge: number;
  readonly rightEdge: number;
  readonly count: number;
  /** Share of all finite coordinates per unit of the axis. */
  readonly density: number;
}

export interface DrawnBins {
  readonly bins: readonly DrawnBin[];
  /** All finite coordinates: bins, underflow, overflow and exact zeros. */
  readonly finiteCount: number;
  /** Those that lie beyond the axis. */
  readonly countBeyond: number;
  /** Those that are nearer to 0 than a log axis begins, exact zeros left out; else 0. */
  readonly countUnder: number;
}

/** A panel of 262 px shows 64 bins at 4 px; finer ones are merged, coarser ones kept. */
const DRAWN_BINS = 64;

/**
 * Merges the posted bins to what the axis can show, and clips them to it.
 *
 * Bins are merged at edges that were posted, never split, and the same way on both sides
 * of 0, so a symmetric distribution stays symmetric. Exact zeros are in no bin. On a log
 * axis both sides are added up first.
 *
 * Empty  no counts: bins of density 0
 * Cost   O(bins)
 */
export function drawBins(distribution: CountedDistribution, axis: DistributionAxis): DrawnBins {
  const finiteCount = countFinite(distribution);
  const { zeros } = distribution;
  const { edges, counts, countUnder } =
    axis.kind === 'log' ? fold(distribution, axis) : distributed(distribution);
  const [first, last] = axis.domain;
  const coordinates = edges.map((edge) => toAxis(axis, edge));
  const kept = keptEdges(coordinates, (last - first) / DRAWN_BINS);

  const bins: DrawnBin[] = [];
  let countInside = 0;
  for (let k = 0; k + 1 < kept.length; k++) {
    const from = kept[k] ?? 0;
    const to = kept[k + 1] ?? 0;
    const left = coordinates[from] ?? 0;
    const right = coordinates[to] ?? 0;
    let count = 0;
    for (let i = from; i < to; i++) count += counts[i] ?? 0;
    const leftEdge = Math.max(left, first);
    const rightEdge = Math.min(right, last);
    if (rightEdge <= leftEdge) continue;
    countInside += (count * (rightEdge - leftEdge)) / (right - left);
    const density = finiteCount === 0 ? 0 : count / finiteCount / (right - left);
    bins.push({ leftEdge, rightEdge, count, density });
  }
  const countBeyond = Math.max(0, finiteCount - zeros - countInside - countUnder);
  return { bins, finiteCount, countBeyond, countUnder };
}

interface AxisBins {
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  readonly countUnder: number;
}

function distributed({ edges, counts }: CountedDistribution): AxisBins {
  return { edges, counts, countUnder: 0 };
}

/** The bins of |x| from the axis' low end on; a bin that begins below it gives its share. */
function fold(distribution: CountedDistribution, axis: DistributionAxis): AxisBins {
  const histogram = toHistogram(distribution);
  const { below } = computeHistogramWindow(histogram);
  const within = (magnitude: number): number =>
    countBelow(histogram.edges, below, magnitude) - countBelow(histogram.edges, below, -magnitude);
  const magnitudes = new Set<number>([axis.threshold]);
  for (const edge of histogram.edges)
    if (Math.abs(edge) > axis.threshold) magnitudes.add(Math.abs(edge));
  const edges = [...magnitudes].sort((a, b) => a - b);
  return {
    edges,
    counts: edges.slice(1).map((edge, i) => within(edge) - within(edges[i] ?? 0)),
    countUnder: within(axis.threshold),
  };
}

/** Indices of the edges that stay: walking outwards from 0, one for each cell of the grid. */
function keptEdges(coordinates: readonly number[], cell: number): readonly number[] {
  const middle = Math.max(
    0,
    coordinates.findIndex((coordinate) => coordinate >= 0),
  );
  const cellOf = (index: number): number =>
    Math.floor(Math.abs(coordinates[index] ?? 0) / cell + 1e-6);
  const right: number[] = [middle];
  for (let i = middle + 1, kept = middle; i < coordinates.length; i++) {
    if (cellOf(i) > cellOf(kept) || i === coordinates.length - 1) {
      right.push(i);
      kept = i;
    }
  }
  // Where a bin straddles 0, both of its edges are starting points.
  const hasEdgeAtZero = Math.abs(coordinates[middle] ?? 0) < 1e-9;
  const left: number[] = hasEdgeAtZero || middle === 0 ? [] : [middle - 1];
  const start = left[0] ?? middle;
  for (let i = start - 1, kept = start; i >= 0; i--) {
    if (cellOf(i) > cellOf(kept) || i === 0) {
      left.unshift(i);
      kept = i;
    }
  }
  return [...left, ...right];
}
