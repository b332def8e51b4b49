import type { HeatmapColumns } from '../contract/heatmap-columns';
import type { AxisPiece } from './heatmap-tiles';
import { CODE_NON_FINITE, encodeBits, encodeMagnitude } from './magnitude-code';
import type { StepAxis, StepWindow } from './step-axis';

const FIRST_CAPACITY = 256;
/** Columns that are turned from rows together: their lines of both arrays fit the nearest cache. */
const TURN_BLOCK = 32;
/** Changes that are remembered by the column where they began; who is further behind looks at all. */
const CHANGES_KEPT = 32;
const GROWTH = 1.5;
/** Scalars kept beside the layers; others are read over HTTP where a view needs them. */
const SCALARS = ['gradient_norm', 'learning_rate', 'wall_time'] as const;
export type ColumnScalar = (typeof SCALARS)[number];

function grown<T extends Float32Array | Float64Array | Uint16Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}

/** Columns that are drawn in the place of coarser ones, where and as soon as they are there. */
export interface FinerColumns {
  /** The best there is for each part of an axis, ascending. */
  pieces(axis: StepAxis, stepPixels: number): readonly AxisPiece<RunColumns>[];
  /** Asks for what the axis lacks; who draws is told by the version of the coarser columns. */
  want(axis: StepAxis, stepPixels: number): void;
  /** The columns that a step was drawn from. */
  columnsAt(step: number): RunColumns;
}

/**
 * The columns of one metric of one run, outside React, growing as they arrive.
 *
 * Stored column-major ([column][layer]): appending a step is one write at the end, where
 * rows would be moved at every growth. Columns ascend in step and do not overlap.
 */
export class RunColumns {
  readonly layerCount: number;
  columnCount = 0;
  /** Rises with every change; what is drawn from the columns is keyed by it. */
  version = 0;
  /** null where there is nothing finer, as for columns that were computed here. */
  finer: FinerColumns | null = null;

  private readonly layerFactors: Float64Array | null;
  private readonly bucketSteps: number;
  private readonly changes: { readonly version: number; readonly fromColumn: number }[] = [];
  private capacity = FIRST_CAPACITY;
  private from = new Float64Array(FIRST_CAPACITY);
  private to = new Float64Array(FIRST_CAPACITY);
  private losses = new Float32Array(FIRST_CAPACITY);
  private readonly scalars = new Map<ColumnScalar, Float64Array>();
  private cellValues: Float32Array;
  private cellCodes: Uint16Array;

  /**
   * `layerFactors` [L] multiplies each layer's values on their way in, as in "÷ √n". Single
   * steps that lie between the same multiples of `bucketSteps` become one column.
   */
  constructor(layerCount: number, layerFactors: Float64Array | null = null, bucketSteps = 1) {
    this.layerCount = layerCount;
    this.layerFactors = layerFactors;
    this.bucketSteps = bucketSteps;
    this.cellValues = new Float32Array(FIRST_CAPACITY * layerCount);
    this.cellCodes = new Uint16Array(FIRST_CAPACITY * layerCount);
    for (const name of SCALARS) this.scalars.set(name, new Float64Array(FIRST_CAPACITY).fill(NaN));
  }

  /** [columnCount] views; valid until the next append. */
  get fromStep(): Float64Array {
    return this.from.subarray(0, this.columnCount);
  }
  get toStep(): Float64Array {
    return this.to.subarray(0, this.columnCount);
  }
  get loss(): Float32Array {
    return this.losses.subarray(0, this.columnCount);
  }
  /** [columnCount × layerCount], column-major: see `magnitude-code.ts`. */
  get codes(): Uint16Array {
    return this.cellCodes.subarray(0, this.columnCount * this.layerCount);
  }
  scalar(name: ColumnScalar): Float64Array {
    return (this.scalars.get(name) ?? new Float64Array(0)).subarray(0, this.columnCount);
  }

  get firstStep(): number | null {
    return this.columnCount === 0 ? null : (this.from[0] ?? null);
  }
  get newestStep(): number | null {
    return this.columnCount === 0 ? null : (this.to[this.columnCount - 1] ?? null);
  }
  /** True while every column is one reported step. */
  get isExact(): boolean {
    for (let i = 0; i < this.columnCount; i++) if (this.from[i] !== this.to[i]) return false;
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
      const from = this.from[column] ?? NaN;
      const to = this.to[column] ?? NaN;
      if (from > high) break;
      if (to >= low) widest = Math.max(widest, to - from + 1);
    }
    return widest;
  }

  /** The cell's value, NaN where it is missing or not finite: its code tells which. */
  value(column: number, layer: number): number {
    return this.cellValues[column * this.layerCount + layer] ?? NaN;
  }
  code(column: number, layer: number): number {
    return this.cellCodes[column * this.layerCount + layer] ?? 0;
  }

  /** Bytes held, whether filled or not. */
  get sizeBytes(): number {
    return this.capacity * (6 * this.layerCount + 20 + 8 * SCALARS.length);
  }

  /** The first column that may differ from what it was at `version`; Infinity where none does. */
  changedSince(version: number): number {
    const [oldest] = this.changes;
    if (version === this.version) return Infinity;
    if (oldest === undefined || oldest.version > version + 1) return 0;
    return Math.min(
      ...this.changes.filter((c) => c.version > version).map(({ fromColumn }) => fromColumn),
    );
  }

  /** What is drawn in the place of these has changed. */
  markFinerChanged(): void {
    this.markChanged(Infinity);
  }

  private markChanged(fromColumn: number): void {
    this.version++;
    this.changes.push({ version: this.version, fromColumn });
    if (this.changes.length > CHANGES_KEPT) this.changes.shift();
  }

  /**
   * Forgets all and takes these instead. They ascend and do not overlap, as a read gives
   * them, which takes a tenth of the time of appending them one by one.
   */
  replace(columns: HeatmapColumns): void {
    this.requireLayers(columns);
    this.fill(columns);
    this.markChanged(0);
  }

  /** Forgets the columns that reach to `step` or beyond: a newer attempt starts there. */
  truncateFrom(step: number): void {
    while (this.columnCount > 0 && (this.to[this.columnCount - 1] ?? -1) >= step) {
      this.columnCount--;
    }
    this.markChanged(this.columnCount);
  }

  /**
   * Takes columns in, in any order: those that begin in `within`. One of a known step fills
   * in what it reports (shards of a step arrive one by one; a repeated column changes
   * nothing); one inside a bucket raises the bucket's maxima.
   */
  append(columns: HeatmapColumns, within: StepWindow | null = null): void {
    this.requireLayers(columns);
    let changedFrom = this.columnCount;
    for (let column = 0; column < columns.columnCount; column++) {
      const step = columns.fromStep[column] ?? NaN;
      if (within !== null && !(within.fromStep <= step && step <= within.toStep)) continue;
      changedFrom = Math.min(changedFrom, this.take(columns, column));
    }
    this.markChanged(changedFrom);
  }

  private requireLayers({ layerCount }: HeatmapColumns): void {
    if (layerCount === this.layerCount) return;
    throw new Error(`expected ${this.layerCount} layers, got ${layerCount}`);
  }

  private fill(columns: HeatmapColumns): void {
    const { columnCount } = columns;
    this.reserve(columnCount);
    this.columnCount = columnCount;
    this.from.set(columns.fromStep);
    this.to.set(columns.toStep);
    this.losses.set(columns.loss);
    for (const [name, kept] of this.scalars) {
      const given = columns.scalars.get(name);
      if (given === undefined) kept.fill(NaN, 0, columnCount);
      else kept.set(given);
    }
    this.turnCells(columns);
  }

  /** Rows of layers into columns of layers, with their codes. */
  private turnCells({ columnCount, values, nonFinite }: HeatmapColumns): void {
    const { layerCount, layerFactors, cellValues, cellCodes } = this;
    const scaled = new Float32Array(TURN_BLOCK);
    const bits = new Uint32Array(scaled.buffer);
    for (let block = 0; block < columnCount; block += TURN_BLOCK) {
      const count = Math.min(TURN_BLOCK, columnCount - block);
      for (let layer = 0; layer < layerCount; layer++) {
        const factor = layerFactors === null ? 1 : (layerFactors[layer] ?? 1);
        const source = layer * columnCount + block;
        let target = block * layerCount + layer;
        for (let i = 0; i < count; i++) scaled[i] = (values[source + i] ?? NaN) * factor;
        for (let i = 0; i < count; i++, target += layerCount) {
          cellValues[target] = scaled[i] ?? NaN;
          cellCodes[target] =
            (nonFinite[source + i] ?? 0) > 0 ? CODE_NON_FINITE : encodeBits(bits[i] ?? 0);
        }
      }
    }
  }

  /** The index of the column that took it. */
  private take(columns: HeatmapColumns, column: number): number {
    const fromStep = columns.fromStep[column] ?? NaN;
    const toStep = columns.toStep[column] ?? fromStep;
    const found = this.columnAt(fromStep) ?? this.widenBucket(fromStep, toStep);
    if (found !== null) {
      this.writeCells(found, columns, column, this.from[found] !== this.to[found]);
      return found;
    }
    const at = this.insertionIndex(fromStep);
    this.insert(at, fromStep, toStep);
    this.writeCells(at, columns, column, false);
    return at;
  }

  /** The column of the same bucket, reaching to these steps from now on; null without one. */
  private widenBucket(fromStep: number, toStep: number): number | null {
    if (this.bucketSteps === 1) return null;
    const bucketOf = (step: number) => Math.floor(step / this.bucketSteps);
    const after = this.insertionIndex(fromStep);
    for (const column of [after - 1, after]) {
      if (column < 0 || column >= this.columnCount) continue;
      if (bucketOf(this.from[column] ?? NaN) !== bucketOf(fromStep)) continue;
      this.from[column] = Math.min(this.from[column] ?? NaN, fromStep);
      this.to[column] = Math.max(this.to[column] ?? NaN, toStep);
      return column;
    }
    return null;
  }

  /** The column whose steps hold `step`; null where none does. */
  columnAt(step: number): number | null {
    const index = this.insertionIndex(step + 0.5) - 1;
    if (index < 0) return null;
    return (this.from[index] ?? NaN) <= step && step <= (this.to[index] ?? NaN) ? index : null;
  }

  /** The column nearest to `step`; null without columns. */
  nearestColumn(step: number): number | null {
    if (this.columnCount === 0) return null;
    const after = Math.min(this.columnCount - 1, this.insertionIndex(step));
    const before = Math.max(0, after - 1);
    const distance = (column: number) => {
      const from = this.from[column] ?? 0;
      const to = this.to[column] ?? 0;
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
      if ((this.from[middle] ?? 0) < step) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private insert(at: number, fromStep: number, toStep: number): void {
    this.reserve(this.columnCount + 1);
    const { columnCount: count, layerCount } = this;
    if (at < count) {
      this.from.copyWithin(at + 1, at, count);
      this.to.copyWithin(at + 1, at, count);
      this.losses.copyWithin(at + 1, at, count);
      for (const column of this.scalars.values()) column.copyWithin(at + 1, at, count);
      this.cellValues.copyWithin((at + 1) * layerCount, at * layerCount, count * layerCount);
      this.cellCodes.copyWithin((at + 1) * layerCount, at * layerCount, count * layerCount);
    }
    this.from[at] = fromStep;
    this.to[at] = toStep;
    this.losses[at] = NaN;
    for (const column of this.scalars.values()) column[at] = NaN;
    this.cellValues.fill(NaN, at * layerCount, (at + 1) * layerCount);
    this.cellCodes.fill(0, at * layerCount, (at + 1) * layerCount);
    this.columnCount++;
  }

  private writeCells(at: number, columns: HeatmapColumns, column: number, isBucket: boolean): void {
    const loss = columns.loss[column] ?? NaN;
    const known = this.losses[at] ?? NaN;
    if (!Number.isNaN(loss) && !(isBucket && known >= loss)) this.losses[at] = loss;
    for (const [name, kept] of this.scalars) {
      const value = columns.scalars.get(name)?.[column] ?? NaN;
      if (!Number.isNaN(value)) kept[at] = value;
    }
    for (let layer = 0; layer < this.layerCount; layer++) {
      const source = layer * columns.columnCount + column;
      const raw = columns.values[source] ?? NaN;
      const value = this.layerFactors === null ? raw : raw * (this.layerFactors[layer] ?? 1);
      const code = encodeMagnitude(value, columns.nonFinite[source] ?? 0);
      if (code === 0) continue;
      const target = at * this.layerCount + layer;
      if (isBucket && code <= (this.cellCodes[target] ?? 0)) continue;
      this.cellCodes[target] = code;
      this.cellValues[target] = value;
    }
  }

  private reserve(columnCount: number): void {
    if (columnCount <= this.capacity) return;
    this.capacity = Math.max(columnCount, Math.ceil(this.capacity * GROWTH));
    const { capacity, layerCount } = this;
    this.from = grown(this.from, new Float64Array(capacity));
    this.to = grown(this.to, new Float64Array(capacity));
    this.losses = grown(this.losses, new Float32Array(capacity));
    for (const [name, old] of this.scalars) {
      this.scalars.set(name, grown(old, new Float64Array(capacity)));
    }
    this.cellValues = grown(this.cellValues, new Float32Array(capacity * layerCount));
    this.cellCodes = grown(this.cellCodes, new Uint16Array(capacity * layerCount));
  }

  /**
   * Merges neighbours until at most `limit` columns are left, keeping each cell's largest
   * code, so that a run watched for a week stays in bounded memory and no spike is lost.
   */
  compact(limit: number): void {
    while (this.columnCount > limit) {
      const half = Math.ceil(this.columnCount / 2);
      for (let target = 0; target < half; target++) {
        this.mergeInto(target, 2 * target, Math.min(2 * target + 1, this.columnCount - 1));
      }
      this.columnCount = half;
      this.markChanged(0);
    }
  }

  private mergeInto(target: number, left: number, right: number): void {
    this.from[target] = this.from[left] ?? NaN;
    this.to[target] = this.to[right] ?? NaN;
    const losses = [this.losses[left] ?? NaN, this.losses[right] ?? NaN];
    const finite = losses.filter((loss) => !Number.isNaN(loss));
    this.losses[target] = finite.length === 0 ? NaN : Math.max(...finite);
    for (const column of this.scalars.values()) {
      const last = column[right] ?? NaN;
      column[target] = Number.isNaN(last) ? (column[left] ?? NaN) : last;
    }
    for (let layer = 0; layer < this.layerCount; layer++) {
      const a = left * this.layerCount + layer;
      const b = right * this.layerCount + layer;
      const source = (this.cellCodes[a] ?? 0) >= (this.cellCodes[b] ?? 0) ? a : b;
      const value = this.cellValues[source] ?? NaN;
      const code = this.cellCodes[source] ?? 0;
      this.cellValues[target * this.layerCount + layer] = value;
      this.cellCodes[target * this.layerCount + layer] = code;
    }
  }
}
