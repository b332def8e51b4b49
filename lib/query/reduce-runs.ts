/**
 * The inner loops of a heatmap. Cells are [layer][n], a result is [layer][bucketCount]; runs
 * say which of the n entries fall into which bucket. A loop does one thing, over one layer:
 * minimum, maximum and sum together cost more than the three apart, since nothing in such a
 * loop can be foreseen by the processor.
 */
import { MISSING_FLOAT32_BITS } from '../contract/missing-value';
import type { Reduce } from '../contract/reads';
import type { RowsPlace } from '../store/compaction/row-codec';

/** Entries [from, end) of each layer, which fall into one bucket. */
export interface BucketRun {
  readonly bucket: number;
  readonly from: number;
  readonly end: number;
}

/** [layer][n] */
export interface Cells {
  readonly values: Float32Array;
  readonly layerCount: number;
  readonly n: number;
}

/** [layer][bucketCount] each. */
export interface Buckets {
  readonly bucketCount: number;
  /** Extremes; −Infinity or Infinity while there is none. */
  readonly values: Float32Array;
  /** For a mean: the sum of the finite values and how many there are. */
  readonly sums: Float64Array;
  readonly finite: Uint32Array;
  readonly nonFinite: Uint32Array;
}

/** The exponent of a float32: all of its bits are set in NaN and ±Inf alone. */
const EXPONENT_BITS = 0x7f80_0000;
/** The NaN that arithmetic makes. */
const NAN_BITS = 0x7fc0_0000;

function intsOf(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}

/**
 * Puts entries from `from` to `end` into buckets from `bucket` on, one each, that have no
 * value yet: finite ones as they are, others as a count.
 */
export function copyCells(
  { values, layerCount, n }: Cells,
  { bucket, from, end }: BucketRun,
  { bucketCount, values: out, nonFinite }: Buckets,
): void {
  const source = intsOf(values);
  const target = intsOf(out);
  for (let layer = 0; layer < layerCount; layer++) {
    let cell = layer * bucketCount + bucket;
    const stop = layer * n + end;
    for (let index = layer * n + from; index < stop; index++, cell++) {
      const bits = source[index] ?? 0;
      if ((bits & EXPONENT_BITS) !== EXPONENT_BITS) target[cell] = bits;
      else if (bits !== MISSING_FLOAT32_BITS) nonFinite[cell] = (nonFinite[cell] ?? 0) + 1;
    }
  }
}

/** Makes counts and NaN of what is not finite among `count` cells of each of the layers. */
export function checkCells(
  { bits, start, stride }: RowsPlace,
  count: number,
  layers: readonly number[],
  nonFinite: Uint32Array,
): void {
  for (const layer of layers) {
    const first = start + layer * stride;
    for (let cell = first; cell < first + count; cell++) {
      const value = bits[cell] ?? 0;
      if ((value & EXPONENT_BITS) !== EXPONENT_BITS) continue;
      if (value !== MISSING_FLOAT32_BITS) nonFinite[cell] = (nonFinite[cell] ?? 0) + 1;
      bits[cell] = NAN_BITS;
    }
  }
}

/** Adds reported values to their buckets. */
export function reduceCells(
  cells: Cells,
  runs: readonly BucketRun[],
  buckets: Buckets,
  reduce: Reduce,
): void {
  const { values, layerCount, n } = cells;
  const from = runs[0]?.from ?? 0;
  const end = runs.at(-1)?.end ?? 0;
  const bounds = toBounds(runs);
  for (let layer = 0; layer < layerCount; layer++) {
    // Float32 values add up to a finite float64, and only a finite number less itself is 0.
    const sum = sumOf(values, layer * n + from, layer * n + end);
    if (sum - sum !== 0) addOneByOne(cells, layer, runs, buckets, reduce);
    else if (reduce === 'max') raiseLayer(values, layer * n, bounds, buckets, layer);
    else if (reduce === 'min') lowerLayer(values, layer * n, bounds, buckets, layer);
    else sumLayer(values, layer * n, bounds, buckets, layer);
  }
}

/** Adds a rollup's minima or maxima, NaN where it has none, to extremes of the same kind. */
export function reduceExtremes(
  { values, layerCount, n }: Cells,
  runs: readonly BucketRun[],
  buckets: Buckets,
  reduce: 'max' | 'min',
): void {
  const bounds = toBounds(runs);
  const reduceLayer = reduce === 'max' ? raiseLayer : lowerLayer;
  for (let layer = 0; layer < layerCount; layer++) {
    reduceLayer(values, layer * n, bounds, buckets, layer);
  }
}

/** Adds a rollup's means, each weighted by its count: [layer][n], or [n] for all layers alike. */
export function reduceMeans(
  { values, layerCount, n }: Cells,
  counts: ArrayLike<number>,
  runs: readonly BucketRun[],
  { bucketCount, sums, finite }: Buckets,
): void {
  const countStride = counts.length === n ? 0 : n;
  for (let layer = 0; layer < layerCount; layer++) {
    for (const { bucket, from, end } of runs) {
      let sum = 0;
      let count = 0;
      for (let index = from; index < end; index++) {
        const weight = counts[layer * countStride + index] ?? 0;
        // Without a finite value the mean is NaN.
        if (weight === 0) continue;
        sum += (values[layer * n + index] ?? 0) * weight;
        count += weight;
      }
      const cell = layer * bucketCount + bucket;
      sums[cell] = (sums[cell] ?? 0) + sum;
      finite[cell] = (finite[cell] ?? 0) + count;
    }
  }
}

/** Bucket, from and end of each run, in one array: loops read it many times. */
function toBounds(runs: readonly BucketRun[]): Int32Array {
  const bounds = new Int32Array(runs.length * 3);
  runs.forEach(({ bucket, from, end }, index) => {
    bounds[index * 3] = bucket;
    bounds[index * 3 + 1] = from;
    bounds[index * 3 + 2] = end;
  });
  return bounds;
}

function sumOf(values: Float32Array, from: number, end: number): number {
  let sum = 0;
  for (let index = from; index < end; index++) sum += values[index] ?? 0;
  return sum;
}

function raiseLayer(
  values: Float32Array,
  start: number,
  bounds: Int32Array,
  { bucketCount, values: out }: Buckets,
  layer: number,
): void {
  for (let run = 0; run < bounds.length; run += 3) {
    const cell = layer * bucketCount + (bounds[run] ?? 0);
    const end = start + (bounds[run + 2] ?? 0);
    let maximum = out[cell] ?? 0;
    for (let index = start + (bounds[run + 1] ?? 0); index < end; index++) {
      const value = values[index] ?? 0;
      if (value > maximum) maximum = value;
    }
    out[cell] = maximum;
  }
}

function lowerLayer(
  values: Float32Array,
  start: number,
  bounds: Int32Array,
  { bucketCount, values: out }: Buckets,
  layer: number,
): void {
  for (let run = 0; run < bounds.length; run += 3) {
    const cell = layer * bucketCount + (bounds[run] ?? 0);
    const end = start + (bounds[run + 2] ?? 0);
    let minimum = out[cell] ?? 0;
    for (let index = start + (bounds[run + 1] ?? 0); index < end; index++) {
      const value = values[index] ?? 0;
      if (value < minimum) minimum = value;
    }
    out[cell] = minimum;
  }
}

function sumLayer(
  values: Float32Array,
  start: number,
  bounds: Int32Array,
  { bucketCount, sums, finite }: Buckets,
  layer: number,
): void {
  for (let run = 0; run < bounds.length; run += 3) {
    const cell = layer * bucketCount + (bounds[run] ?? 0);
    const from = bounds[run + 1] ?? 0;
    const end = bounds[run + 2] ?? 0;
    sums[cell] = (sums[cell] ?? 0) + sumOf(values, start + from, start + end);
    finite[cell] = (finite[cell] ?? 0) + end - from;
  }
}

/** One layer, where some values are not finite, or not reported. */
function addOneByOne(
  { values, n }: Cells,
  layer: number,
  runs: readonly BucketRun[],
  { bucketCount, values: out, sums, finite, nonFinite }: Buckets,
  reduce: Reduce,
): void {
  const bits = intsOf(values);
  for (const { bucket, from, end } of runs) {
    const cell = layer * bucketCount + bucket;
    for (let index = layer * n + from; index < layer * n + end; index++) {
      const value = values[index] ?? 0;
      if (!Number.isFinite(value)) {
        if (bits[index] !== MISSING_FLOAT32_BITS) nonFinite[cell] = (nonFinite[cell] ?? 0) + 1;
      } else if (reduce === 'mean') {
        sums[cell] = (sums[cell] ?? 0) + value;
        finite[cell] = (finite[cell] ?? 0) + 1;
      } else {
        const known = out[cell] ?? 0;
        if (reduce === 'max' ? value > known : value < known) out[cell] = value;
      }
    }
  }
}
