/**
 * From what the device sent back to the frame's metrics and histograms. The host does
 * itself what the device cannot be trusted with: rows that hold subnormals, NaN, Infinity,
 * v < 0, v = 0 under m ≠ 0 or magnitudes near the ends of float32, and single coordinates
 * whose r or u lies so close to an edge that rounding would choose the bin. Both go
 * through lib/stats, so counts are the reference's in every case.
 */
import type {
  FrameStatistics,
  FrameStatisticsInput,
  HistogramColumns,
} from '../../lib/stats/frame-statistics';
import { computeFrameStatistics } from '../../lib/stats/frame-statistics';
import { QUIET_NAN_BITS, writeValue } from '../../lib/stats/missing-value';
import { RATIO_BIN_COUNT, computeRatioEdges } from '../../lib/stats/ratio-edges';
import type { SampleStatistics } from '../../lib/stats/sample-statistics';
import type { GradientAgreement } from '../../lib/stats/gradient-agreement';
import { UPDATE_BIN_COUNT, computeUpdateEdges } from '../../lib/stats/update-edges';
import { type RowColumn, columnNames } from './row-columns';
import type { DeviceRows } from './sample-program';

/** The device returns the first and the last near coordinate of a row, and no third. */
const MAX_NEAR = 2;
/** Squares of float32 between these, and sums of 65,536 of them, keep their digits. */
const SMALLEST_GRADIENT = 2 ** -40;
const LARGEST_GRADIENT = 2 ** 50;
/** Below, squared deviations of r or u would soon be flushed to 0. */
const SMALLEST_QUOTIENT = 2 ** -40;
const SMALLEST_SQUARE = 2 ** -80;
const LARGEST_SQUARE = 2 ** 100;

/** A frame's arrays, to be filled in rows. */
export function emptyStatistics(input: FrameStatisticsInput): FrameStatistics {
  const { layerCount, beta1, beta2 } = input;
  const columns = (edges: Float32Array, binCount: number) => ({
    edges,
    counts: new Uint32Array(layerCount * binCount),
    outside: new Uint32Array(layerCount * 4),
  });
  return {
    layerMetrics: new Map(),
    histograms: new Map([
      ['ratio', columns(computeRatioEdges(beta1, beta2), RATIO_BIN_COUNT)],
      ['update', columns(computeUpdateEdges(), UPDATE_BIN_COUNT)],
    ]),
  };
}

/** Columns by name; those of the step before only where it was at hand. */
type Columns = Readonly<Partial<Record<RowColumn, Float32Array>>>;

/**
 * Writes the device's rows into the frame, and the host's where the device's do not count.
 *
 * Returns  how many of them the host computed
 */
export function finishRows(
  input: FrameStatisticsInput,
  rows: DeviceRows,
  output: FrameStatistics,
): number {
  const hasPrevious = input.previousGradient !== null;
  const columns: Columns = Object.fromEntries(
    columnNames(hasPrevious).map((name) => [name, rows.column(name)]),
  );
  const trusted: number[] = [];
  const settled: NearCoordinate[] = [];
  for (let row = 0; row < rows.rowCount; row++) {
    if (isTrusted(columns, row, hasPrevious)) {
      trusted.push(row);
      collectNear(input, columns, rows.firstRow, row, settled);
    } else {
      copyHostRow(input, rows.firstRow + row, output);
    }
  }
  for (const row of trusted) writeCounts(rows, columns, row, output);
  const smallCounts = Float64Array.from({ length: rows.rowCount }, (_, row) =>
    at(columns, 'updateSmall', row),
  );
  const near = settleNear(input, settled);
  settled.forEach(({ row }, index) => {
    const isSmall = addSettled(near, index, rows.firstRow + row, output);
    smallCounts[row] = (smallCounts[row] ?? 0) + isSmall;
  });
  writeMetrics(input, { columns, firstRow: rows.firstRow, trusted, smallCounts }, output);
  return rows.rowCount - trusted.length;
}

function at(columns: Columns, name: RowColumn, row: number): number {
  return columns[name]?.[row] ?? NaN;
}

function isWithin(value: number, least: number, most: number): boolean {
  return value === 0 || (value >= least && value <= most);
}

/** True where float32 held all that the row is made of. */
function isTrusted(columns: Columns, row: number, hasPrevious: boolean): boolean {
  const gradientMax = at(columns, 'gradientMax', row);
  return (
    at(columns, 'wild', row) === 0 &&
    at(columns, 'near', row) <= MAX_NEAR &&
    isWithin(gradientMax, SMALLEST_GRADIENT, LARGEST_GRADIENT) &&
    isWithin(at(columns, 'ratioMax', row), SMALLEST_QUOTIENT, Infinity) &&
    isWithin(at(columns, 'updateMax', row), SMALLEST_QUOTIENT, Infinity) &&
    (gradientMax === 0 ||
      isWithin(at(columns, 'scaledSquares', row) || NaN, SMALLEST_SQUARE, LARGEST_SQUARE)) &&
    (!hasPrevious || isWithin(at(columns, 'previousMax', row), SMALLEST_GRADIENT, LARGEST_GRADIENT))
  );
}

function copyHostRow(input: FrameStatisticsInput, layer: number, output: FrameStatistics): void {
  const { sampleCount, previousGradient, parameterCounts } = input;
  const row = (values: Float32Array): Float32Array =>
    values.subarray(layer * sampleCount, (layer + 1) * sampleCount);
  const { layerMetrics, histograms } = computeFrameStatistics({
    ...input,
    layerCount: 1,
    gradient: row(input.gradient),
    firstMoment: row(input.firstMoment),
    secondMoment: row(input.secondMoment),
    previousGradient: previousGradient === null ? null : row(previousGradient),
    parameterCounts: [parameterCounts[layer] ?? 0],
  });
  // From float32 to float32, so that the bits of "missing" stay what they are.
  for (const [name, values] of layerMetrics) metricOf(output, input, name).set(values, layer);
  for (const [name, { counts, outside }] of histograms) {
    const target = histogramOf(output, name);
    target.counts.set(counts, layer * counts.length);
    target.outside.set(outside, layer * 4);
  }
}

function metricOf(output: FrameStatistics, { layerCount }: FrameStatisticsInput, name: string) {
  let column = output.layerMetrics.get(name);
  if (column === undefined) {
    column = new Float32Array(layerCount);
    output.layerMetrics.set(name, column);
  }
  return column;
}

function histogramOf(output: FrameStatistics, name: string) {
  const columns = output.histograms.get(name);
  if (columns === undefined) throw new Error(`a frame without a histogram of ${name}`);
  return columns;
}

/** A coordinate that the device put in no bin. */
interface NearCoordinate {
  readonly row: number;
  /** Into the frame. */
  readonly index: number;
}

function collectNear(
  { sampleCount }: FrameStatisticsInput,
  columns: Columns,
  firstRow: number,
  row: number,
  found: NearCoordinate[],
): void {
  const near = at(columns, 'near', row);
  if (near === 0) return;
  const indices = [at(columns, 'nearFirst', row), at(columns, 'nearLast', row)].slice(0, near);
  for (const index of indices) found.push({ row, index: (firstRow + row) * sampleCount + index });
}

/** Each such coordinate as a row of its own: 1 in the bin that the reference gives it. */
function settleNear(
  input: FrameStatisticsInput,
  coordinates: readonly NearCoordinate[],
): FrameStatistics {
  const pick = (values: Float32Array): Float32Array =>
    Float32Array.from(coordinates, ({ index }) => values[index] ?? NaN);
  return computeFrameStatistics({
    ...input,
    layerCount: coordinates.length,
    sampleCount: 1,
    gradient: pick(input.gradient),
    firstMoment: pick(input.firstMoment),
    secondMoment: pick(input.secondMoment),
    previousGradient: null,
    parameterCounts: new Uint8Array(coordinates.length),
  });
}

/** Adds one settled coordinate to the counts of its layer; returns 1 where its |u| is small. */
function addSettled(
  near: FrameStatistics,
  index: number,
  layer: number,
  output: FrameStatistics,
): number {
  for (const [name, { counts, outside }] of near.histograms) {
    const target = histogramOf(output, name);
    const binCount = target.edges.length - 1;
    const bin = counts.subarray(index * binCount, (index + 1) * binCount).indexOf(1);
    const column = outside.subarray(index * 4, index * 4 + 4).indexOf(1);
    const [into, position] =
      bin >= 0 ? [target.counts, layer * binCount + bin] : [target.outside, layer * 4 + column];
    into[position] = (into[position] ?? 0) + 1;
  }
  return near.layerMetrics.get('update_small_fraction')?.[index] ?? 0;
}

function writeCounts(
  { firstRow, ratioSlots, updateSlots }: DeviceRows,
  columns: Columns,
  row: number,
  output: FrameStatistics,
): void {
  const zeros = at(columns, 'zeros', row);
  writeSlots(ratioSlots, row, zeros, firstRow + row, histogramOf(output, 'ratio'));
  writeSlots(updateSlots, row, zeros, firstRow + row, histogramOf(output, 'update'));
}

function writeSlots(
  slots: Float32Array | Uint32Array,
  row: number,
  zeros: number,
  layer: number,
  { counts, outside, edges }: HistogramColumns,
): void {
  const binCount = edges.length - 1;
  const [start, end] = [row * (binCount + 2), (row + 1) * (binCount + 2)];
  counts.set(slots.subarray(start + 1, end - 1), layer * binCount);
  outside[4 * layer] = slots[start] ?? 0;
  outside[4 * layer + 1] = slots[end - 1] ?? 0;
  outside[4 * layer + 2] = zeros;
}

/** Rows of the device that count, with what the host has added to them. */
interface FinishedRows {
  readonly columns: Columns;
  readonly firstRow: number;
  readonly trusted: readonly number[];
  /** [rows] |u| < SMALL_UPDATE */
  readonly smallCounts: Float64Array;
}

type ValueOfRow = (row: number) => number | null;

/** The names and the order of computeSampleStatistics and computeGradientAgreement. */
function writeMetrics(
  input: FrameStatisticsInput,
  { columns, firstRow, trusted, smallCounts }: FinishedRows,
  output: FrameStatistics,
): void {
  if (trusted.length === 0) return;
  const { sampleCount, parameterCounts, missingBits = QUIET_NAN_BITS } = input;
  const read = (name: RowColumn, row: number): number => at(columns, name, row);
  const share =
    (name: RowColumn): ValueOfRow =>
    (row) =>
      read(name, row) / sampleCount;
  const gradientRms = (row: number): number =>
    Math.sqrt(read('gradientSquares', row) / sampleCount);
  const std =
    (sum: RowColumn, squares: RowColumn): ValueOfRow =>
    (row) => {
      const mean = read(sum, row) / sampleCount;
      return Math.sqrt(Math.max(0, read(squares, row) / sampleCount - mean * mean));
    };
  const statistics: Readonly<Record<keyof SampleStatistics, ValueOfRow>> = {
    gradient_norm: (row) => gradientRms(row) * Math.sqrt(parameterCounts[firstRow + row] ?? 0),
    gradient_rms: gradientRms,
    gradient_abs_max: (row) => read('gradientMax', row),
    gradient_nonfinite_count: () => 0,
    gradient_below_epsilon_fraction: share('gradientBelow'),
    second_moment_below_epsilon_fraction: share('rootBelow'),
    update_mean: (row) => read('updateShift', row) + read('updateSum', row) / sampleCount,
    update_std: std('updateSum', 'updateSquares'),
    update_abs_max: (row) => read('updateMax', row),
    update_small_fraction: (row) => (smallCounts[row] ?? NaN) / sampleCount,
    ratio_std: std('ratioSum', 'ratioSquares'),
    rms: (row) => Math.sqrt(read('scaledSquares', row) / sampleCount),
  };
  const agreement: Readonly<Record<keyof GradientAgreement, ValueOfRow>> = {
    gradient_cosine(row) {
      const lengths = Math.sqrt(read('gradientSquares', row) * read('previousSquares', row));
      const cosine = read('agreementProduct', row) / lengths;
      return lengths > 0 ? Math.max(-1, Math.min(1, cosine)) : null;
    },
    gradient_sign_agreement(row) {
      const pairs = read('agreementPairs', row);
      return pairs > 0 ? read('agreementEqual', row) / pairs : null;
    },
  };
  const all = input.previousGradient === null ? statistics : { ...statistics, ...agreement };
  for (const [name, valueOf] of Object.entries(all)) {
    const column = metricOf(output, input, name);
    for (const row of trusted) writeValue(column, firstRow + row, valueOf(row), missingBits);
  }
}
