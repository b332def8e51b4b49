/** Layers × buckets of a plan, reduced as blocks and rollups come in, where the reply's bytes lie. */
import type { HeatmapBody } from '../contract/heatmap-columns';
import type { Reduce } from '../contract/reads';
import { MISSING_FLOAT32_BITS } from '../contract/missing-value';
import type { BucketCells, LayerSink, Plane, StepCells } from '../store/scan-layers';
import type { BucketPlan } from './bucket-plan';

/** The exponent of a float32: all of its bits are set in NaN and ±Inf alone. */
const EXPONENT_BITS = 0x7f80_0000;

/** Entries [from, end) of a block's columns that fall into one bucket. */
interface BucketRun {
  readonly bucket: number;
  readonly from: number;
  readonly end: number;
}

export function planeOf(reduce: Reduce): Plane {
  switch (reduce) {
    case 'max':
      return 'maximum';
    case 'min':
      return 'minimum';
    case 'mean':
      return 'mean';
  }
}

export interface LayerColumnsOptions {
  readonly plan: BucketPlan;
  readonly reduce: Reduce;
  /** Whether no bucket gets two values of one layer: then there is nothing to reduce. */
  readonly isOneStepABucket: boolean;
}

/** [layer][bucket]. To be used once `finish` has been called. */
export class LayerColumns implements LayerSink {
  readonly #plan: BucketPlan;
  readonly #reduce: Reduce;
  readonly #isOneStepABucket: boolean;
  readonly #layerCount: number;
  readonly #bucketCount: number;
  readonly #values: Float32Array;
  readonly #valueBits: Int32Array;
  readonly #nonFinite: Uint32Array;
  /** For a mean alone: a float32 sum of many values would drift. */
  readonly #sum: Float64Array;
  readonly #finite: Uint32Array;

  constructor(body: HeatmapBody, { plan, reduce, isOneStepABucket }: LayerColumnsOptions) {
    const { values, nonFinite, layerCount, columnCount } = body;
    this.#plan = plan;
    this.#reduce = reduce;
    this.#isOneStepABucket = isOneStepABucket;
    this.#layerCount = layerCount;
    this.#bucketCount = columnCount;
    this.#values = values;
    this.#valueBits = new Int32Array(values.buffer, values.byteOffset, values.length);
    this.#nonFinite = nonFinite;
    const sums = reduce === 'mean' && !isOneStepABucket ? values.length : 0;
    this.#sum = new Float64Array(sums);
    this.#finite = new Uint32Array(sums);
    if (isOneStepABucket) values.fill(NaN);
    else if (reduce !== 'mean') values.fill(reduce === 'max' ? -Infinity : Infinity);
  }

  addSteps({ steps, from, end, values }: StepCells): void {
    const n = steps.length;
    const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
    const runs = this.#runsOf(steps, from, end);
    if (this.#isOneStepABucket) {
      for (const run of joinNeighbours(runs)) this.#copyRun(bits, n, run);
      return;
    }
    for (let layer = 0; layer < this.#layerCount; layer++) {
      for (const { bucket, from: first, end: stop } of runs) {
        let minimum = Infinity;
        let maximum = -Infinity;
        let sum = 0;
        let finite = 0;
        let nonFinite = 0;
        for (let index = layer * n + first; index < layer * n + stop; index++) {
          const value = values[index] ?? 0;
          // Only a finite number less itself is 0.
          if (value - value === 0) {
            if (value < minimum) minimum = value;
            if (value > maximum) maximum = value;
            sum += value;
            finite++;
          } else if (bits[index] !== MISSING_FLOAT32_BITS) nonFinite++;
        }
        const cell = layer * this.#bucketCount + bucket;
        this.#add(cell, minimum, maximum, sum, finite);
        if (nonFinite > 0) this.#nonFinite[cell] = (this.#nonFinite[cell] ?? 0) + nonFinite;
      }
    }
  }

  addBuckets({ steps, from, end, reported, planes, exceptions }: BucketCells): void {
    const n = steps.length;
    const plane = planes.get(planeOf(this.#reduce));
    if (plane === undefined) throw new Error(`rollups were read without ${this.#reduce}`);
    const runs = this.#runsOf(steps, from, end);
    const isMean = this.#reduce === 'mean';
    for (let layer = 0; layer < this.#layerCount; layer++) {
      for (const { bucket, from: first, end: stop } of runs) {
        let minimum = Infinity;
        let maximum = -Infinity;
        let sum = 0;
        let finite = 0;
        for (let index = first; index < stop; index++) {
          // NaN where there is no finite value, and then no comparison is true.
          const value = plane[layer * n + index] ?? NaN;
          if (value < minimum) minimum = value;
          if (value > maximum) maximum = value;
          if (!isMean) continue;
          const count =
            exceptions === null ? (reported[index] ?? 0) : (exceptions[layer * n + index] ?? 0);
          if (count > 0) sum += value * count;
          finite += count;
        }
        this.#add(layer * this.#bucketCount + bucket, minimum, maximum, sum, finite);
      }
    }
    if (exceptions !== null)
      this.#addNonFinite(exceptions.subarray(exceptions.length / 2), n, runs);
  }

  /** Adds one value of one layer to buckets `fromBucket`…`toBucket`; for extremes alone. */
  addRange(layer: number, fromBucket: number, toBucket: number, value: number): void {
    for (let bucket = fromBucket; bucket <= toBucket; bucket++) {
      this.#add(layer * this.#bucketCount + bucket, value, value, value, 1);
    }
  }

  /** Makes values of what was summed up; NaN where nothing finite was. */
  finish(): void {
    if (this.#isOneStepABucket) return;
    const values = this.#values;
    if (this.#reduce === 'mean') {
      for (let cell = 0; cell < values.length; cell++) {
        values[cell] = (this.#sum[cell] ?? 0) / (this.#finite[cell] ?? 0);
      }
      return;
    }
    const untouched = this.#reduce === 'max' ? -Infinity : Infinity;
    for (let cell = 0; cell < values.length; cell++) {
      if (values[cell] === untouched) values[cell] = NaN;
    }
  }

  /** Which entries fall into which bucket of the plan; those that follow one another together. */
  #runsOf(steps: ArrayLike<number>, from: number, end: number): BucketRun[] {
    const runs: BucketRun[] = [];
    for (let index = from; index < end; index++) {
      const bucket = this.#plan.indexOf(steps[index] ?? -1);
      const last = runs.at(-1);
      if (bucket < 0) continue;
      if (last?.bucket === bucket && last.end === index) {
        runs[runs.length - 1] = { ...last, end: index + 1 };
      } else runs.push({ bucket, from: index, end: index + 1 });
    }
    return runs;
  }

  #add(cell: number, minimum: number, maximum: number, sum: number, finite: number): void {
    if (this.#reduce === 'max') {
      if (maximum > (this.#values[cell] ?? 0)) this.#values[cell] = maximum;
    } else if (this.#reduce === 'min') {
      if (minimum < (this.#values[cell] ?? 0)) this.#values[cell] = minimum;
    } else {
      this.#sum[cell] = (this.#sum[cell] ?? 0) + sum;
      this.#finite[cell] = (this.#finite[cell] ?? 0) + finite;
    }
  }

  #addNonFinite(counts: Uint32Array, n: number, runs: readonly BucketRun[]): void {
    for (let layer = 0; layer < this.#layerCount; layer++) {
      for (const { bucket, from, end } of runs) {
        const cell = layer * this.#bucketCount + bucket;
        for (let index = from; index < end; index++) {
          this.#nonFinite[cell] = (this.#nonFinite[cell] ?? 0) + (counts[layer * n + index] ?? 0);
        }
      }
    }
  }

  /** Bits as they are, layer by layer: 0.9 ns a value. */
  #copyRun(bits: Int32Array, n: number, { bucket, from, end }: BucketRun): void {
    for (let layer = 0; layer < this.#layerCount; layer++) {
      let cell = layer * this.#bucketCount + bucket;
      const stop = layer * n + end;
      for (let index = layer * n + from; index < stop; index++, cell++) {
        const value = bits[index] ?? 0;
        if ((value & EXPONENT_BITS) !== EXPONENT_BITS) this.#valueBits[cell] = value;
        else if (value !== MISSING_FLOAT32_BITS) {
          this.#nonFinite[cell] = (this.#nonFinite[cell] ?? 0) + 1;
        }
      }
    }
  }
}

/** Runs of one entry each whose buckets follow one another, as one. */
function joinNeighbours(runs: readonly BucketRun[]): BucketRun[] {
  const joined: BucketRun[] = [];
  for (const run of runs) {
    const last = joined.at(-1);
    if (last?.end === run.from && last.bucket + run.from - last.from === run.bucket) {
      joined[joined.length - 1] = { ...last, end: run.end };
    } else joined.push(run);
  }
  return joined;
}
