import type { HeatmapColumns } from '../../contract/heatmap-columns';
import { codeTurn, turnCode, type ColumnShows } from '../colours/column-shows';
import { CODE_NON_FINITE, encodeBits, encodeMagnitude } from '../colours/magnitude-code';

const FIRST_CAPACITY = 256;
/** Columns that are turned from rows together: their lines of both arrays fit the nearest cache. */
const TURN_BLOCK = 32;
const GROWTH = 1.5;
/** Scalars kept beside the layers; others are read over HTTP where a view needs them. */
const SCALARS = ['gradient_norm', 'learning_rate', 'wall_time'] as const;
export type ColumnScalar = (typeof SCALARS)[number];

function grown<T extends Float32Array | Float64Array | Uint16Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}

/**
 * The memory of `RunColumns`: arrays that grow together, one entry a column or a cell.
 *
 * Stored column-major ([column][layer]): appending a step is one write at the end, where
 * rows would be moved at every growth.
 */
export class ColumnStore {
  readonly layerCount: number;
  from = new Float64Array(FIRST_CAPACITY);
  to = new Float64Array(FIRST_CAPACITY);
  losses = new Float32Array(FIRST_CAPACITY);
  readonly scalars = new Map<ColumnScalar, Float64Array>();
  cellValues: Float32Array;
  cellCodes: Uint16Array;
  private readonly layerFactors: Float64Array | null;
  private readonly turn: number;
  private capacity = FIRST_CAPACITY;

  /**
   * `layerFactors` [L] multiplies each layer's values on their way in, as in "÷ √n". With the
   * lowest shown codes are turned round: wherever a cell stands for several, it is theirs.
   */
  constructor(layerCount: number, layerFactors: Float64Array | null, shows: ColumnShows) {
    this.layerCount = layerCount;
    this.layerFactors = layerFactors;
    this.turn = codeTurn(shows);
    this.cellValues = new Float32Array(FIRST_CAPACITY * layerCount);
    this.cellCodes = new Uint16Array(FIRST_CAPACITY * layerCount);
    for (const name of SCALARS) this.scalars.set(name, new Float64Array(FIRST_CAPACITY).fill(NaN));
  }

  /** Bytes held, whether filled or not. */
  get sizeBytes(): number {
    return this.capacity * (6 * this.layerCount + 20 + 8 * SCALARS.length);
  }

  /** Takes these in the place of all there is. */
  fill(columns: HeatmapColumns): void {
    const { columnCount } = columns;
    this.reserve(columnCount);
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
    const { layerCount, layerFactors, cellValues, cellCodes, turn } = this;
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
            (nonFinite[source + i] ?? 0) > 0
              ? CODE_NON_FINITE
              : turnCode(encodeBits(bits[i] ?? 0), turn);
        }
      }
    }
  }

  /** Makes room for a column before the one at `at`; its cells are not reported. */
  insert(at: number, count: number, fromStep: number, toStep: number): void {
    this.reserve(count + 1);
    const { layerCount } = this;
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
  }

  /** Fills in what a column reports; in a bucket what is to be shown before what is there. */
  writeCells(at: number, columns: HeatmapColumns, column: number, isBucket: boolean): void {
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
      const code = turnCode(encodeMagnitude(value, columns.nonFinite[source] ?? 0), this.turn);
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

  /** Two neighbours as one column: the largest code of each cell, the newest of the scalars. */
  mergeInto(target: number, left: number, right: number): void {
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
