/** The highest and the lowest of each bucket, from one pass over blocks and rollups. */
import type { BucketCells, LayerSink, StepCells } from '../store/reading/scan-layers';
import type { BucketPlan } from './bucket-plan';
import { type ColumnCells, LayerColumns } from './layer-columns';

export class ExtremeColumns implements LayerSink {
  readonly #highest: LayerColumns;
  readonly #lowest: LayerColumns;

  /** `minima`: as the values of `cells`. What is not finite is counted once, in `cells`. */
  constructor(cells: ColumnCells, minima: Float32Array, plan: BucketPlan) {
    const options = { plan, isOneStepABucket: false };
    const lowest = { ...cells, values: minima, nonFinite: new Uint32Array(minima.length) };
    this.#highest = new LayerColumns(cells, { ...options, reduce: 'max' });
    this.#lowest = new LayerColumns(lowest, { ...options, reduce: 'min' });
  }

  addSteps(cells: StepCells): void {
    this.#highest.addSteps(cells);
    this.#lowest.addSteps(cells);
  }

  addBuckets(cells: BucketCells): void {
    this.#highest.addBuckets(cells);
    this.#lowest.addBuckets(cells);
  }

  addRange(layer: number, fromBucket: number, toBucket: number, value: number): void {
    this.#highest.addRange(layer, fromBucket, toBucket, value);
    this.#lowest.addRange(layer, fromBucket, toBucket, value);
  }

  finish(): void {
    this.#highest.finish();
    this.#lowest.finish();
  }
}
