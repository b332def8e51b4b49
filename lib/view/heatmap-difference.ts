import type { HeatmapColumns } from '../contract/heatmap-columns';
import type { MetricScale } from '../contract/standard-metrics';
import { encodeDeviation } from './deviation-code';

/** How the values of two runs are held against each other. */
export type DifferenceKind = 'decades' | 'linear';

/** A factor from or to exactly 0: beyond the end of every scale. */
const BEYOND_DECADES = 99;

/** Cells of one heatmap held against those of another; as `RunColumns` of what differs. */
export interface DifferenceColumns {
  readonly kind: DifferenceKind;
  readonly layerCount: number;
  readonly columnCount: number;
  readonly fromStep: Float64Array;
  readonly toStep: Float64Array;
  /** [columns × layers], column-major: see `deviation-code.ts`. */
  readonly codes: Uint16Array;
  /** The same as numbers: powers of ten of a factor, or plain differences; NaN without both. */
  readonly values: Float32Array;
}

/** Metrics over decades differ by a factor, others by an amount; stages have no difference. */
export function differenceKind(scale: MetricScale): DifferenceKind | null {
  if (scale === 'categorical') return null;
  return scale === 'log' ? 'decades' : 'linear';
}

/** [own layers] the other run's layer of the same name; −1 where it has none. */
export function matchLayers(own: readonly string[], other: readonly string[]): Int32Array {
  const byName = new Map(other.map((name, index) => [name, index]));
  return Int32Array.from(own, (name) => byName.get(name) ?? -1);
}

/**
 * `own` against `other`, over the steps of `own`. Where either holds several steps a
 * column, both are taken over the wider columns by their largest values, so that a bucket
 * is never held against a single step.
 *
 * NaN/Inf  not finite on either side stays so; missing on either side is missing
 * Cost     O(columns × layers)
 */
export function prepareDifference(
  own: HeatmapColumns,
  other: HeatmapColumns,
  otherLayer: Int32Array,
  kind: DifferenceKind,
): DifferenceColumns {
  const grid = usualWidth(other) > usualWidth(own) ? other : own;
  const ownAt = overlaps(grid, own);
  const otherAt = overlaps(grid, other);
  const { layerCount } = own;
  const codes = new Uint16Array(grid.columnCount * layerCount);
  const values = new Float32Array(grid.columnCount * layerCount).fill(NaN);
  for (let layer = 0; layer < layerCount; layer++) {
    const counterpart = otherLayer[layer] ?? -1;
    if (counterpart === -1) continue;
    for (let column = 0; column < grid.columnCount; column++) {
      const mine = largest(own, layer, ownAt, column);
      const theirs = largest(other, counterpart, otherAt, column);
      const isNonFinite = mine === Infinity || theirs === Infinity;
      const value = isNonFinite ? NaN : differenceOf(kind, mine, theirs);
      const at = column * layerCount + layer;
      values[at] = value;
      codes[at] = encodeDeviation(value, isNonFinite);
    }
  }
  const { columnCount, fromStep, toStep } = grid;
  return { kind, layerCount, columnCount, fromStep, toStep, codes, values };
}

/** NaN where either is missing. */
function differenceOf(kind: DifferenceKind, own: number, other: number): number {
  if (kind === 'linear' || Number.isNaN(own) || Number.isNaN(other)) return own - other;
  if (own === other) return 0;
  if (other <= 0) return BEYOND_DECADES;
  return own <= 0 ? -BEYOND_DECADES : Math.log10(own / other);
}

function usualWidth({ fromStep, toStep, columnCount }: HeatmapColumns): number {
  let steps = 0;
  for (let i = 0; i < columnCount; i++) steps += (toStep[i] ?? 0) - (fromStep[i] ?? 0);
  return columnCount === 0 ? 0 : steps / columnCount;
}

interface Overlaps {
  /** [grid columns] first and end of the columns that share a step with it. */
  readonly first: Int32Array;
  readonly end: Int32Array;
}

function overlaps(grid: HeatmapColumns, columns: HeatmapColumns): Overlaps {
  const first = new Int32Array(grid.columnCount);
  const end = new Int32Array(grid.columnCount);
  let from = 0;
  for (let i = 0; i < grid.columnCount; i++) {
    while (from < columns.columnCount && (columns.toStep[from] ?? 0) < (grid.fromStep[i] ?? 0)) {
      from++;
    }
    let to = from;
    while (to < columns.columnCount && (columns.fromStep[to] ?? 0) <= (grid.toStep[i] ?? 0)) to++;
    first[i] = from;
    end[i] = to;
  }
  return { first, end };
}

/** The largest value of a layer in the steps of a grid column; ∞ where one was not finite, NaN without any. */
function largest(
  columns: HeatmapColumns,
  layer: number,
  { first, end }: Overlaps,
  column: number,
): number {
  let most = NaN;
  for (let i = first[column] ?? 0; i < (end[column] ?? 0); i++) {
    const at = layer * columns.columnCount + i;
    if ((columns.nonFinite[at] ?? 0) > 0) return Infinity;
    const value = columns.values[at] ?? NaN;
    if (!(most >= value)) most = Number.isNaN(value) ? most : value;
  }
  return most;
}
