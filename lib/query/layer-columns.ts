/** Layers × buckets of a plan, reduced as blocks and rollups come in, where the reply's bytes lie. */
import type { Reduce } from '../contract/reads';
import type { RowsPlace } from '../store/compaction/row-codec';
import type { BucketCells, LayerSink, Plane, StepCells } from '../store/reading/scan-layers';
import type { BucketPlan } from './bucket-plan';
import {
  type BucketRun,
  type Buckets,
  checkCells,
  copyCells,
  reduceCells,
  reduceExtremes,
  reduceMeans,
} from './reduce-runs';

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

/** [layer][bucket] each, to be filled. */
export interface ColumnCells {
  readonly layerCount: number;
  readonly columnCount: number;
  readonly values: Float32Array;
  readonly nonFinite: Uint32Array;
}

/** To be used once `finish` has been called. */
export class LayerColumns implements LayerSink {
  readonly #layerCount: number;
  readonly #buckets: Buckets;
  /** Where each bucket is one step: those whose cells have been written, if only as NaN. */
  readonly #isWritten: Uint8Array;

  constructor(
    { values, nonFinite, layerCount, columnCount }: ColumnCells,
    private readonly options: LayerColumnsOptions,
  ) {
    const { reduce, isOneStepABucket } = options;
    // A float32 sum of many values would drift; extremes are exact as they are.
    const sums = reduce === 'mean' && !isOneStepABucket ? values.length : 0;
    this.#layerCount = layerCount;
    this.#buckets = {
      bucketCount: columnCount,
      values,
      nonFinite,
      sums: new Float64Array(sums),
      finite: new Uint32Array(sums),
    };
    this.#isWritten = new Uint8Array(isOneStepABucket ? columnCount : 0);
    if (reduce !== 'mean' && !isOneStepABucket) {
      values.fill(reduce === 'max' ? -Infinity : Infinity);
    }
  }

  addSteps({ steps, from, end, values }: StepCells): void {
    const { reduce, isOneStepABucket } = this.options;
    const runs = this.#runsOf(steps, from, end);
    const cells = { values, layerCount: this.#layerCount, n: steps.length };
    if (!isOneStepABucket) reduceCells(cells, runs, this.#buckets, reduce);
    else {
      for (const run of runs) {
        this.#clear(run.bucket, run.bucket + run.end - run.from);
        copyCells(cells, run, this.#buckets);
      }
    }
  }

  placeFor(steps: ArrayLike<number>, from: number, end: number): RowsPlace | null {
    const { values, bucketCount } = this.#buckets;
    if (!this.options.isOneStepABucket) return null;
    const [run, ...others] = this.#runsOf(steps, from, end);
    // A late post may have been there before; then the block's cells are added to its own.
    if (run === undefined || others.length > 0 || run.end - run.from !== end - from) return null;
    const written = this.#isWritten.subarray(run.bucket, run.bucket + end - from);
    if (written.includes(1)) return null;
    written.fill(1);
    const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
    return { bits, start: run.bucket, stride: bucketCount };
  }

  checkPlaced(place: RowsPlace, count: number, layers: readonly number[]): void {
    checkCells(place, count, layers, this.#buckets.nonFinite);
  }

  addBuckets({ steps, from, end, reported, planes, exceptions }: BucketCells): void {
    const { reduce } = this.options;
    const values = planes.get(planeOf(reduce));
    if (values === undefined) throw new Error(`rollups were read without ${reduce}`);
    const runs = this.#runsOf(steps, from, end);
    const cells = { values, layerCount: this.#layerCount, n: steps.length };
    const finite = exceptions?.subarray(0, values.length) ?? reported;
    if (reduce === 'mean') reduceMeans(cells, finite, runs, this.#buckets);
    else reduceExtremes(cells, runs, this.#buckets, reduce);
    if (exceptions !== null) this.#addNonFinite(exceptions.subarray(values.length), cells.n, runs);
  }

  /** Adds one value of one layer to buckets `fromBucket`…`toBucket`; for extremes alone. */
  addRange(layer: number, fromBucket: number, toBucket: number, value: number): void {
    const { bucketCount, values } = this.#buckets;
    for (let bucket = fromBucket; bucket <= toBucket; bucket++) {
      const cell = layer * bucketCount + bucket;
      const known = values[cell] ?? 0;
      if (this.options.reduce === 'min' ? value < known : value > known) values[cell] = value;
    }
  }

  /** Makes values of what was summed up; NaN where nothing finite was. */
  finish(): void {
    const { reduce, isOneStepABucket } = this.options;
    const { values, sums, finite } = this.#buckets;
    if (isOneStepABucket) {
      this.#clear(0, this.#buckets.bucketCount);
      return;
    }
    if (reduce === 'mean') {
      for (let cell = 0; cell < values.length; cell++) {
        values[cell] = (sums[cell] ?? 0) / (finite[cell] ?? 0);
      }
      return;
    }
    const untouched = reduce === 'max' ? -Infinity : Infinity;
    for (let cell = 0; cell < values.length; cell++) {
      if (values[cell] === untouched) values[cell] = NaN;
    }
  }

  /** Writes NaN into those of buckets [from, end) that nothing has been written into. */
  #clear(from: number, end: number): void {
    const { values, bucketCount } = this.#buckets;
    for (let bucket = from; bucket < end; bucket++) {
      if (this.#isWritten[bucket] === 1) continue;
      this.#isWritten[bucket] = 1;
      for (let cell = bucket; cell < values.length; cell += bucketCount) values[cell] = NaN;
    }
  }

  /** Which entries fall into which bucket of the plan, or each into the next one of its run. */
  #runsOf(steps: ArrayLike<number>, from: number, end: number): BucketRun[] {
    const { plan, isOneStepABucket } = this.options;
    const runs: BucketRun[] = [];
    for (let index = from; index < end;) {
      const bucket = plan.indexOf(steps[index] ?? -1);
      const first = index++;
      // A run of single steps goes on to the next bucket, another one stays in its own.
      for (let next = bucket; index < end; index++) {
        if (isOneStepABucket) next++;
        if (plan.indexOf(steps[index] ?? -1) !== next) break;
      }
      if (bucket >= 0) runs.push({ bucket, from: first, end: index });
    }
    return runs;
  }

  #addNonFinite(counts: Uint32Array, n: number, runs: readonly BucketRun[]): void {
    const { bucketCount, nonFinite } = this.#buckets;
    for (let layer = 0; layer < this.#layerCount; layer++) {
      for (const { bucket, from, end } of runs) {
        const cell = layer * bucketCount + bucket;
        for (let index = from; index < end; index++) {
          nonFinite[cell] = (nonFinite[cell] ?? 0) + (counts[layer * n + index] ?? 0);
        }
      }
    }
  }
}
