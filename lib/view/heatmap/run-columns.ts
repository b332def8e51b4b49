import type { HeatmapColumns } from '../../contract/heatmap-columns';
import { ChangeLog } from './change-log';
import { zeroCodeOf, type ColumnShows } from '../colours/column-shows';
import { ColumnStore, type ColumnScalar } from './column-store';
import type { AxisPiece } from './heatmap-tiles';
import type { StepAxis, StepWindow } from '../axes/step-axis';

/** Columns that are drawn in the place of coarser ones, where and as soon as they are there. */
export interface FinerColumns {
  /** The best there is for each part of an axis, ascending. */
  pieces(axis: StepAxis, stepPixels: number): readonly AxisPiece<RunColumns>[];
  /** Asks for what the axis lacks; who draws is told by the version of the coarser columns. */
  want(axis: StepAxis, stepPixels: number): void;
  /** True while a part of the axis is drawn coarser than its pixels, or lacks steps. */
  lacks(axis: StepAxis, stepPixels: number): boolean;
  /** The best columns there are for a step. */
  columnsAt(step: number): RunColumns;
  /** True while finer columns than those are on their way for a step. */
  awaits(step: number): boolean;
}

/**
 * The columns of one metric of one run, outside React, growing as they arrive.
 * Columns ascend in step and do not overlap.
 */
export class RunColumns {
  readonly layerCount: number;
  readonly shows: ColumnShows;
  columnCount = 0;
  /** null where there is nothing finer, as for columns that were computed here. */
  finer: FinerColumns | null = null;

  private readonly bucketSteps: number;
  private readonly changes = new ChangeLog();
  private readonly store: ColumnStore;

  /**
   * `layerFactors` [L] multiplies each layer's values on their way in, as in "÷ √n". Single
   * steps that lie between the same multiples of `bucketSteps` become one column, which
   * `shows` the highest or the lowest of them.
   */
  constructor(
    layerCount: number,
    layerFactors: Float64Array | null = null,
    bucketSteps = 1,
    shows: ColumnShows = 'highest',
  ) {
    this.layerCount = layerCount;
    this.bucketSteps = bucketSteps;
    this.shows = shows;
    this.store = new ColumnStore(layerCount, layerFactors, shows);
  }

  /** Rises with every change; what is drawn from the columns is keyed by it. */
  get version(): number {
    return this.changes.version;
  }

  /** [columnCount] views; valid until the next append. */
  get fromStep(): Float64Array {
    return this.store.from.subarray(0, this.columnCount);
  }
  get toStep(): Float64Array {
    return this.store.to.subarray(0, this.columnCount);
  }
  get loss(): Float32Array {
    return this.store.losses.subarray(0, this.columnCount);
  }
  /** [columnCount × layerCount], column-major: see `magnitude-code.ts` and `column-shows.ts`. */
  get codes(): Uint16Array {
    return this.store.cellCodes.subarray(0, this.columnCount * this.layerCount);
  }
  get zeroCode(): number {
    return zeroCodeOf(this.shows);
  }
  scalar(name: ColumnScalar): Float64Array {
    return (this.store.scalars.get(name) ?? new Float64Array(0)).subarray(0, this.columnCount);
  }

  get firstStep(): number | null {
    return this.columnCount === 0 ? null : (this.store.from[0] ?? null);
  }
  get newestStep(): number | null {
    return this.columnCount === 0 ? null : (this.store.to[this.columnCount - 1] ?? null);
  }
  /** True while every column is one reported step. */
  get isExact(): boolean {
    for (let i = 0; i < this.columnCount; i++)
      if (this.store.from[i] !== this.store.to[i]) return false;
    return true;
  }

  /** Steps of the widest column on the axis, from its first step to its last; 0 without one. */
  widestColumn({ low, high }: StepAxis): number {
    let widest = 0;
    for (
      let column = Math.max(0, this.insertionIndex(low) - 1);
      column < this.columnCount;
      column++
    ) {
      const from = this.store.from[column] ?? NaN;
      const to = this.store.to[column] ?? NaN;
      if (from > high) break;
      if (to >= low) widest = Math.max(widest, to - from + 1);
    }
    return widest;
  }

  /** The cell's value, NaN where it is missing or not finite: its code tells which. */
  value(column: number, layer: number): number {
    return this.store.cellValues[column * this.layerCount + layer] ?? NaN;
  }
  code(column: number, layer: number): number {
    return this.store.cellCodes[column * this.layerCount + layer] ?? 0;
  }

  /** Bytes held, whether filled or not. */
  get sizeBytes(): number {
    return this.store.sizeBytes;
  }

  /** The first column that may differ from what it was at `version`; Infinity where none does. */
  changedSince(version: number): number {
    return this.changes.since(version);
  }

  /** What is drawn in the place of these has changed. */
  markFinerChanged(): void {
    this.changes.mark(Infinity);
  }

  /**
   * Forgets all and takes these instead. They ascend and do not overlap, as a read gives
   * them, which takes a tenth of the time of appending them one by one.
   */
  replace(columns: HeatmapColumns): void {
    this.requireLayers(columns);
    this.store.fill(columns);
    this.columnCount = columns.columnCount;
    this.changes.mark(0);
  }

  /** Forgets the columns that reach to `step` or beyond: a newer attempt starts there. */
  truncateFrom(step: number): void {
    while (this.columnCount > 0 && (this.store.to[this.columnCount - 1] ?? -1) >= step) {
      this.columnCount--;
    }
    this.changes.mark(this.columnCount);
  }

  /**
   * Takes columns in, in any order: those that begin in `within`. One of a known step fills
   * in what it reports (shards of a step arrive one by one; a repeated column changes
   * nothing); one inside a bucket raises the bucket's maxima, or lowers its minima.
   */
  append(columns: HeatmapColumns, within: StepWindow | null = null): void {
    this.requireLayers(columns);
    let changedFrom = this.columnCount;
    for (let column = 0; column < columns.columnCount; column++) {
      const step = columns.fromStep[column] ?? NaN;
      if (within !== null && !(within.fromStep <= step && step <= within.toStep)) continue;
      changedFrom = Math.min(changedFrom, this.take(columns, column));
    }
    this.changes.mark(changedFrom);
  }

  private requireLayers({ layerCount }: HeatmapColumns): void {
    if (layerCount === this.layerCount) return;
    throw new Error(`expected ${this.layerCount} layers, got ${layerCount}`);
  }

  /** The index of the column that took it. */
  private take(columns: HeatmapColumns, column: number): number {
    const fromStep = columns.fromStep[column] ?? NaN;
    const toStep = columns.toStep[column] ?? fromStep;
    const found = this.columnAt(fromStep) ?? this.widenBucket(fromStep, toStep);
    if (found !== null) {
      this.store.writeCells(
        found,
        columns,
        column,
        this.store.from[found] !== this.store.to[found],
      );
      return found;
    }
    const at = this.insertionIndex(fromStep);
    this.store.insert(at, this.columnCount, fromStep, toStep);
    this.columnCount++;
    this.store.writeCells(at, columns, column, false);
    return at;
  }

  /** The column of the same bucket, reaching to these steps from now on; null without one. */
  private widenBucket(fromStep: number, toStep: number): number | null {
    if (this.bucketSteps === 1) return null;
    const bucketOf = (step: number) => Math.floor(step / this.bucketSteps);
    const after = this.insertionIndex(fromStep);
    for (const column of [after - 1, after]) {
      if (column < 0 || column >= this.columnCount) continue;
      if (bucketOf(this.store.from[column] ?? NaN) !== bucketOf(fromStep)) continue;
      this.store.from[column] = Math.min(this.store.from[column] ?? NaN, fromStep);
      this.store.to[column] = Math.max(this.store.to[column] ?? NaN, toStep);
      return column;
    }
    return null;
  }

  /** The column whose steps hold `step`; null where none does. */
  columnAt(step: number): number | null {
    const index = this.insertionIndex(step + 0.5) - 1;
    if (index < 0) return null;
    return (this.store.from[index] ?? NaN) <= step && step <= (this.store.to[index] ?? NaN)
      ? index
      : null;
  }

  /** The column nearest to `step`; null without columns. */
  nearestColumn(step: number): number | null {
    if (this.columnCount === 0) return null;
    const after = Math.min(this.columnCount - 1, this.insertionIndex(step));
    const before = Math.max(0, after - 1);
    const distance = (column: number) => {
      const from = this.store.from[column] ?? 0;
      const to = this.store.to[column] ?? 0;
      return step < from ? from - step : step > to ? step - to : 0;
    };
    return distance(before) <= distance(after) ? before : after;
  }

  /** First column whose `fromStep` is at or after `step`. */
  private insertionIndex(step: number): number {
    let low = 0;
    let high = this.columnCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.store.from[middle] ?? 0) < step) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Merges neighbours until at most `limit` columns are left, keeping each cell's largest
   * code, so that a run watched for a week stays in bounded memory and no spike is lost.
   */
  compact(limit: number): void {
    while (this.columnCount > limit) {
      const half = Math.ceil(this.columnCount / 2);
      for (let target = 0; target < half; target++) {
        this.store.mergeInto(target, 2 * target, Math.min(2 * target + 1, this.columnCount - 1));
      }
      this.columnCount = half;
      this.changes.mark(0);
    }
  }
}
