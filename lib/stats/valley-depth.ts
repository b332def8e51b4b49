import { computeHistogramWindow, countBelow } from './histogram-window';
import type { Histogram } from './histogram-moments';

/** Cumulative counts of the last histogram; written before it is read. */
let scratch = new Float64Array(512);

/**
 * Valley depth at 0: 1 − h(0)/max h, the label of bimodality that people can see. 0 where
 * the density is highest at 0, 1 where nothing lies there.
 *
 * h is smoothed by the window of `computeHistogramWindow`, so that the depth is 1 − (values
 * within ±w of 0)/(most values within any ±w). Noise alone gives a healthy r of 4,096
 * coordinates about 0.03 (below 0.1); two peaks of ±0.3 with s = 0.2 give 0.2, peaks
 * further apart soon 1.
 *
 * Shape       B ≥ 1 bins → scalar in [0, 1]
 * Units       none
 * Empty       NaN where no bin holds anything
 * NaN/Inf     non-finite values are left out
 * Definition  of the values in bins; exact zeros and what lies beyond the edges are left
 *             out. It asks for no second peak: one peak away from 0 has depth 1 as well
 * Throws      RangeError when counts, edges and outside do not fit each other
 * Cost        O(B), exact: h is piecewise linear, highest where a window ends on an edge
 */
export function computeValleyDepth(histogram: Histogram): number {
  const { edges } = histogram;
  if (scratch.length < edges.length) scratch = new Float64Array(2 * edges.length);
  const { below, binnedCount, halfWidth } = computeHistogramWindow(histogram, scratch);
  if (binnedCount === 0) return NaN;
  const atZero = countBelow(edges, below, halfWidth) - countBelow(edges, below, -halfWidth);
  const most = Math.max(atZero, countFullestWindow(edges, below, 2 * halfWidth));
  return 1 - atZero / most;
}

/**
 * Most values in any window of this width. A window that starts before an empty bin, or
 * ends behind one, loses nothing when it moves on: those need no look.
 */
function countFullestWindow(edges: Float32Array, below: Float64Array, width: number): number {
  const last = edges.length - 1;
  let most = 0;
  // Windows that start on an edge; `bin` holds their end, the last one what lies beyond.
  let bin = 0;
  for (let start = 0; start < last; start++) {
    const belowStart = below[start] ?? 0;
    if (below[start + 1] === belowStart) continue;
    const end = (edges[start] ?? 0) + width;
    while (bin < last - 1 && (edges[bin + 1] ?? 0) < end) bin++;
    const inWindow = belowWithin(edges, below, bin, end) - belowStart;
    if (inWindow > most) most = inWindow;
  }
  // Windows that end on an edge; `bin` holds their start, the first one what lies before.
  bin = 0;
  for (let end = 1; end <= last; end++) {
    const belowEnd = below[end] ?? 0;
    if (below[end - 1] === belowEnd) continue;
    const start = (edges[end] ?? 0) - width;
    while ((edges[bin + 1] ?? 0) < start) bin++;
    const inWindow = belowEnd - belowWithin(edges, below, bin, start);
    if (inWindow > most) most = inWindow;
  }
  return most;
}

/** Values below x, which lies in this bin or, beside the outer ones, beyond it. */
function belowWithin(edges: Float32Array, below: Float64Array, bin: number, x: number): number {
  const left = edges[bin] ?? 0;
  const right = edges[bin + 1] ?? 0;
  const belowLeft = below[bin] ?? 0;
  const belowRight = below[bin + 1] ?? 0;
  if (x >= right) return belowRight;
  return x <= left
    ? belowLeft
    : belowLeft + ((belowRight - belowLeft) * (x - left)) / (right - left);
}
