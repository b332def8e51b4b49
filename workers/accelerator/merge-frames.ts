/**
 * Frames of different posts as one: a device takes as long to start on ten layers as on a
 * thousand. Rows know nothing of each other, so the numbers are those of each frame alone.
 */
import type {
  FrameStatistics,
  FrameStatisticsInput,
  HistogramColumns,
} from '../../lib/stats/frame-statistics';
import type { FramePart } from './statistics-jobs';

/** One batch of the device: what is beyond it would be another call in any case. */
const MERGED_COORDINATES = 4 * 1024 * 1024;
/** Frames from this size on fill a device by themselves; they are sent on at once. */
const LARGE_COORDINATES = MERGED_COORDINATES / 4;

export function isLarge({ layerCount, sampleCount }: FrameStatisticsInput): boolean {
  return layerCount * sampleCount >= LARGE_COORDINATES;
}

/**
 * Puts frames together that may share a call: as many samples a layer and the same
 * parameters, all with the step before or all without. Order is kept within a group, and
 * groups are in the order of their first frames.
 */
export function groupFrames(parts: readonly FramePart[]): FramePart[][] {
  const groups: FramePart[][] = [];
  const open = new Map<string, { group: FramePart[]; coordinates: number }>();
  for (const part of parts) {
    const { layerCount, sampleCount } = part.input;
    const family = familyOf(part.input);
    const known = open.get(family);
    const coordinates = layerCount * sampleCount;
    if (known !== undefined && known.coordinates + coordinates <= MERGED_COORDINATES) {
      known.group.push(part);
      known.coordinates += coordinates;
      continue;
    }
    const group = [part];
    groups.push(group);
    open.set(family, { group, coordinates });
  }
  return groups;
}

function familyOf(input: FrameStatisticsInput): string {
  const { sampleCount, epsilon, beta1, beta2, missingBits, previousGradient } = input;
  return [sampleCount, epsilon, beta1, beta2, missingBits, previousGradient !== null].join('/');
}

/** Gives each frame of a group its own rows: copies, since frames go different ways from here. */
export function resolveFrames(parts: readonly FramePart[], statistics: FrameStatistics): void {
  let end = 0;
  for (const { input, resolve } of parts) {
    const start = end;
    end += input.layerCount;
    resolve(parts.length === 1 ? statistics : rowsOf(statistics, start, end));
  }
}

function rowsOf(
  { layerMetrics, histograms }: FrameStatistics,
  start: number,
  end: number,
): FrameStatistics {
  return {
    layerMetrics: new Map(
      Array.from(layerMetrics, ([name, column]) => [name, column.slice(start, end)]),
    ),
    histograms: new Map(
      Array.from(histograms, ([name, columns]) => [name, sliceRows(columns, start, end)]),
    ),
  };
}

function sliceRows(
  { edges, counts, outside }: HistogramColumns,
  start: number,
  end: number,
): HistogramColumns {
  const binCount = edges.length - 1;
  return {
    edges: edges.slice(),
    counts: counts.slice(start * binCount, end * binCount),
    outside: outside.slice(start * 4, end * 4),
  };
}
