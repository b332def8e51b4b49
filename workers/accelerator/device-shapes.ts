/**
 * The shapes of lib/stats/histogram-shapes.ts on a tensor device. What float32 does not
 * carry goes through lib/stats: edges too close together for their distance from 0, rows
 * without a value in a bin, dips that need more cuts than any training's.
 */
import { computeBimodalityCoefficient } from '../../lib/stats/bimodality-coefficient';
import {
  type HistogramShapes,
  type ShapeMeasure,
  type ShapesInput,
  checkBatch,
  computeHistogramShapes,
} from '../../lib/stats/histogram-shapes';
import {
  type BinTensors,
  MOMENT_COLUMNS,
  computeMomentTensors,
  computeValleyTensors,
} from './bin-tensors';
import { computeDips } from './dip-tensors';
import { type PackedBins, packBins } from './pack-bins';
import { packVertices, scaleOf } from './pack-vertices';
import type { TensorDevice } from './tensor-library';

export interface DeviceShapes {
  readonly shapes: HistogramShapes;
  /** Rows of which lib/stats computed something. */
  readonly hostRowCount: number;
}

/** Of ±1: the squares of narrower bins leave float32. */
const NARROWEST_BIN = 2 ** -60;
/** Of its edges' size: a bin of r is 2^-6 of it, one of u 2^-3; at 2^-8 an edge is known to 2^-16 of its bin. */
const NARROWEST_SHARE = 2 ** -8;

/** Throws RangeError as computeHistogramShapes does; Error where the device reports a fault. */
export async function computeDeviceShapes(
  device: TensorDevice,
  input: ShapesInput,
): Promise<DeviceShapes> {
  checkBatch(input);
  const { measures, layerCount } = input;
  const shapes: HistogramShapes = new Map(
    measures.map((measure) => [measure, new Float64Array(layerCount).fill(NaN)]),
  );
  const hostRows = new Set<number>();
  const leaveToHost = (rows: readonly number[], asked: readonly ShapeMeasure[]): void => {
    for (const row of rows) hostRows.add(row);
    copyHostRows(input, rows, asked, shapes);
  };
  const [dips, others] = [
    measures.filter((measure) => measure === 'dip'),
    measures.filter(isOther),
  ];
  const { isDistinct, isSpread } = checkEdges(input.edges);
  const endWatch = device.watch();
  try {
    if (!isDistinct) leaveToHost(allRows(input), dips);
    else if (dips.length > 0) leaveToHost(await fillDips(device, input, shapes), dips);
    if (!isDistinct || !isSpread) leaveToHost(allRows(input), others);
    else if (others.length > 0) leaveToHost(await fillOthers(device, input, shapes), others);
  } finally {
    const fault = await endWatch();
    if (fault !== null) throw new Error(`${device.device}: ${fault}`);
  }
  return { shapes, hostRowCount: hostRows.size };
}

function isOther(measure: ShapeMeasure): boolean {
  return measure !== 'dip';
}

function allRows({ layerCount }: ShapesInput): number[] {
  return Array.from({ length: layerCount }, (_, row) => row);
}

function checkEdges(edges: Float32Array): { isDistinct: boolean; isSpread: boolean } {
  const scale = scaleOf(edges);
  let [isDistinct, isSpread] = [true, true];
  for (let bin = 0; bin + 1 < edges.length; bin++) {
    const [left, right] = [edges[bin] ?? 0, edges[bin + 1] ?? 0];
    const width = right - left;
    if (!(width * scale >= NARROWEST_BIN)) isDistinct = false;
    const size = Math.max(Math.abs(left), Math.abs(right));
    if (!(width >= NARROWEST_SHARE * size)) isSpread = false;
  }
  return { isDistinct, isSpread };
}

function copyHostRows(
  { edges, counts, outside }: ShapesInput,
  rows: readonly number[],
  measures: readonly ShapeMeasure[],
  shapes: HistogramShapes,
): void {
  if (rows.length === 0 || measures.length === 0) return;
  const binCount = edges.length - 1;
  for (const row of rows) {
    const own = computeHistogramShapes({
      layerCount: 1,
      edges,
      counts: counts.subarray(row * binCount, (row + 1) * binCount),
      outside: outside.subarray(row * 4, row * 4 + 4),
      measures,
    });
    for (const [measure, [value = NaN]] of own) write(shapes, measure, row, value);
  }
}

function write(shapes: HistogramShapes, measure: ShapeMeasure, row: number, value: number): void {
  const column = shapes.get(measure);
  if (column !== undefined) column[row] = value;
}

/** Writes the dips; returns the rows that are left to the host. */
async function fillDips(
  { tf }: TensorDevice,
  input: ShapesInput,
  shapes: HistogramShapes,
): Promise<number[]> {
  const { packs, tooWide } = packVertices(input);
  const left = [...tooWide];
  for (const { rows, rowCount, width, x, lo, hi, last } of packs) {
    const upload = (values: Float32Array) => tf.tensor2d(values, [rowCount, width], 'float32');
    const vertices = {
      x: upload(x),
      lo: upload(lo),
      hi: upload(hi),
      last: tf.tensor2d(last, [rowCount, 1], 'float32'),
    };
    try {
      const dips = await computeDips(tf, vertices);
      rows.forEach((row, index) => {
        const dip = dips[index] ?? NaN;
        if (Number.isNaN(dip)) left.push(row);
        else write(shapes, 'dip', row, dip);
      });
    } finally {
      tf.dispose(vertices);
    }
  }
  return left;
}

/** The same for what is computed of the bins. */
async function fillOthers(
  { tf }: TensorDevice,
  input: ShapesInput,
  shapes: HistogramShapes,
): Promise<readonly number[]> {
  const { packs, hostRows, emptyRows } = packBins(input);
  const scale = scaleOf(input.edges);
  const hasMoments = input.measures.some(
    (measure) => measure !== 'dip' && measure !== 'valleyDepth',
  );
  const hasValley = input.measures.includes('valleyDepth');
  const edges = tf.tensor2d(
    input.edges.map((edge) => edge * scale),
    [1, input.edges.length],
    'float32',
  );
  try {
    for (const pack of packs) {
      const columns = tf.tidy(() => {
        const bins = uploadBins(tf, edges, pack);
        return tf.concat1d([
          ...(hasMoments ? [computeMomentTensors(tf, bins)] : []),
          ...(hasValley ? [computeValleyTensors(tf, bins)] : []),
        ]);
      });
      try {
        const numbers = await columns.data<'float32'>();
        const column = (index: number) =>
          numbers.subarray(index * pack.rowCount, (index + 1) * pack.rowCount);
        if (hasMoments) writeMoments(input, pack, numbers, scale, shapes);
        if (hasValley) {
          const depths = column(hasMoments ? MOMENT_COLUMNS.length : 0);
          pack.rows.forEach((row, index) =>
            write(shapes, 'valleyDepth', row, depths[index] ?? NaN),
          );
        }
      } finally {
        columns.dispose();
      }
    }
  } finally {
    edges.dispose();
  }
  copyHostRows(input, emptyRows, input.measures.filter(isOther), shapes);
  return hostRows;
}

function uploadBins(
  tf: TensorDevice['tf'],
  edges: BinTensors['edges'],
  pack: PackedBins,
): BinTensors {
  const upload = (values: Float32Array) =>
    tf.tensor2d(values, [pack.rowCount, values.length / pack.rowCount], 'float32');
  return {
    edges,
    counts: upload(pack.counts),
    below: upload(pack.below),
    atoms: upload(pack.atoms),
    binnedCount: upload(pack.binnedCount),
    finiteCount: upload(pack.finiteCount),
    fifthRoot: upload(pack.fifthRoot),
  };
}

/** From central moments over powers of the reach to the measures, in float64. */
function writeMoments(
  { measures }: ShapesInput,
  { rows, rowCount, totals }: PackedBins,
  numbers: Float32Array,
  scale: number,
  shapes: HistogramShapes,
): void {
  const read = (name: (typeof MOMENT_COLUMNS)[number], index: number): number =>
    numbers[MOMENT_COLUMNS.indexOf(name) * rowCount + index] ?? NaN;
  rows.forEach((row, index) => {
    const second = read('second', index);
    const skewness = read('third', index) / second ** 1.5;
    const excessKurtosis = read('fourth', index) / second ** 2 - 3;
    const count = totals[index] ?? 0;
    const values: Partial<Record<ShapeMeasure, number>> = {
      mean: read('mean', index) / scale,
      std: (read('reach', index) * Math.sqrt(second)) / scale,
      skewness,
      excessKurtosis,
      bimodalityCoefficient: computeBimodalityCoefficient({ count, skewness, excessKurtosis }),
    };
    for (const measure of measures) {
      const value = values[measure];
      if (value !== undefined) write(shapes, measure, row, value);
    }
  });
}
