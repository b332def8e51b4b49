/**
 * From what the device sent back to the frame's metrics and histograms. The host does
 * itself what the device cannot be trusted with: rows that hold subnormals, NaN, Infinity,
 * v < 0, v = 0 under m ≠ 0 or magnitudes near the ends of float32, and single coordinates
 * whose r or u lies so close to an edge that rounding would choose the bin. Both go
 * through lib/stats, so counts are the reference's in every case.
 */
import type { FrameStatistics, FrameStatisticsInput } from '../../lib/stats/frame-statistics';
import { computeFrameStatistics } from '../../lib/stats/frame-statistics';
import { QUIET_NAN_BITS, writeValue } from '../../lib/stats/missing-value';
import { RATIO_BIN_COUNT, computeRatioEdges } from '../../lib/stats/ratio-edges';
import type { SampleStatistics } from '../../lib/stats/sample-statistics';
import type { GradientAgreement } from '../../lib/stats/gradient-agreement';
import { UPDATE_BIN_COUNT, computeUpdateEdges } from '../../lib/stats/update-edges';
import type { RowColumn } from './row-columns';

/** Rows [firstRow, firstRow + rowCount) of a frame, as they came back. */
export interface DeviceRows {
  readonly firstRow: number;
  readonly rowCount: number;
  /** [rows · 130] and [rows · 420]: underflow, bins, overflow. */
  readonly ratioSlots: Float32Array;
  readonly updateSlots: Float32Array;
  /** [rows] */
  readonly column: (name: RowColumn) => Float32Array;
}

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
  const settled: NearCoordinate[] = [];
  let hostRowCount = 0;
  for (let row = 0; row < rows.rowCount; row++) {
    if (isTrusted(input, rows, row)) {
      collectNear(input, rows, row, settled);
    } else {
      copyHostRow(input, rows.firstRow + row, output);
      hostRowCount++;
    }
  }
  const near = settleNear(input, settled);
  let settledIndex = 0;
  for (let row = 0; row < rows.rowCount; row++) {
    if (!isTrusted(input, rows, row)) continue;
    const layer = rows.firstRow + row;
    writeCounts(rows, row, layer, output);
    let smallCount = at(rows, 'updateSmall', row);
    while (settled[settledIndex]?.layer === layer) {
      smallCount += addSettled(near, settledIndex, layer, output);
      settledIndex++;
    }
    writeMetrics(input, rows, row, smallCount, output);
  }
  return hostRowCount;
}

function at(rows: DeviceRows, name: RowColumn, row: number): number {
  return rows.column(name)[row] ?? NaN;
}

/** True where float32 held all that the row is made of. */
function isTrusted({ previousGradient }: FrameStatisticsInput, rows: DeviceRows, row: number) {
  const isWithin = (value: number, least: number, most: number): boolean =>
    value === 0 || (value >= least && value <= most);
  const gradientMax = at(rows, 'gradientMax', row);
  return (
    at(rows, 'wild', row) === 0 &&
    at(rows, 'near', row) <= MAX_NEAR &&
    isWithin(gradientMax, SMALLEST_GRADIENT, LARGEST_GRADIENT) &&
    isWithin(at(rows, 'ratioMax', row), SMALLEST_QUOTIENT, Infinity) &&
    isWithin(at(rows, 'updateMax', row), SMALLEST_QUOTIENT, Infinity) &&
    (gradientMax === 0 ||
      isWithin(at(rows, 'scaledSquares', row) || NaN, SMALLEST_SQUARE, LARGEST_SQUARE)) &&
    (previousGradient === null ||
      isWithin(at(rows, 'previousMax', row), SMALLEST_GRADIENT, LARGEST_GRADIENT))
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
  readonly layer: number;
  readonly index: number;
}

function collectNear(
  { sampleCount }: FrameStatisticsInput,
  rows: DeviceRows,
  row: number,
  found: NearCoordinate[],
): void {
  const layer = rows.firstRow + row;
  const near = at(rows, 'near', row);
  const indices = [at(rows, 'nearFirst', row), at(rows, 'nearLast', row)].slice(0, near);
  for (const index of indices) found.push({ layer, index: layer * sampleCount + index });
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

function writeCounts(rows: DeviceRows, row: number, layer: number, output: FrameStatistics): void {
  const zeros = at(rows, 'zeros', row);
  const histograms: [string, Float32Array][] = [
    ['ratio', rows.ratioSlots],
    ['update', rows.updateSlots],
  ];
  for (const [name, slots] of histograms) {
    const { counts, outside, edges } = histogramOf(output, name);
    const binCount = edges.length - 1;
    const own = slots.subarray(row * (binCount + 2), (row + 1) * (binCount + 2));
    counts.set(own.subarray(1, binCount + 1), layer * binCount);
    outside.set([own[0] ?? 0, own[binCount + 1] ?? 0, zeros, 0], layer * 4);
  }
}

/** The names and the order of computeSampleStatistics and computeGradientAgreement. */
function writeMetrics(
  input: FrameStatisticsInput,
  rows: DeviceRows,
  row: number,
  smallCount: number,
  output: FrameStatistics,
): void {
  const { sampleCount, parameterCounts, missingBits = QUIET_NAN_BITS } = input;
  const layer = rows.firstRow + row;
  const read = (name: RowColumn): number => at(rows, name, row);
  const gradientRms = Math.sqrt(read('gradientSquares') / sampleCount);
  const std = (sum: number, squares: number): number =>
    Math.sqrt(Math.max(0, squares / sampleCount - (sum / sampleCount) ** 2));
  const statistics: SampleStatistics = {
    gradient_norm: gradientRms * Math.sqrt(parameterCounts[layer] ?? 0),
    gradient_rms: gradientRms,
    gradient_abs_max: read('gradientMax'),
    gradient_nonfinite_count: 0,
    gradient_below_epsilon_fraction: read('gradientBelow') / sampleCount,
    second_moment_below_epsilon_fraction: read('rootBelow') / sampleCount,
    update_mean: read('updateShift') + read('updateSum') / sampleCount,
    update_std: std(read('updateSum'), read('updateSquares')),
    update_abs_max: read('updateMax'),
    update_small_fraction: smallCount / sampleCount,
    ratio_std: std(read('ratioSum'), read('ratioSquares')),
    rms: Math.sqrt(read('scaledSquares') / sampleCount),
  };
  const write = (name: string, value: number | null): void =>
    writeValue(metricOf(output, input, name), layer, value, missingBits);
  for (const [name, value] of Object.entries(statistics)) write(name, Number(value));
  if (input.previousGradient === null) return;

  const lengths = Math.sqrt(read('gradientSquares') * read('previousSquares'));
  const pairs = read('agreementPairs');
  const agreement: GradientAgreement = {
    gradient_cosine:
      lengths > 0 ? Math.max(-1, Math.min(1, read('agreementProduct') / lengths)) : null,
    gradient_sign_agreement: pairs > 0 ? read('agreementEqual') / pairs : null,
  };
  write('gradient_cosine', agreement.gradient_cosine);
  write('gradient_sign_agreement', agreement.gradient_sign_agreement);
}
