import type { HeatmapColumns } from '../../contract/heatmap-columns';
import type { MetricScale } from '../../contract/standard-metrics';
import { encodeDeviation } from './deviation-code';

/** How the values of two runs are held against each other. */
export type DifferenceKind = 'decades' | 'linear';

/** A factor from or to exactly 0: beyond the end of every scale. */
export const BEYOND_DECADES = 99;

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

/** Which layers are held against each other, and what their values are multiplied by. */
export interface LayerPairing {
  /** [own layers] the other's layer; −1 where it has none. */
  readonly otherLayer: Int32Array;
  /** By own layer and by the other's. */
  readonly ownFactor: (layer: number) => number;
  readonly otherFactor: (layer: number) => number;
}

interface SizedLayer {
  readonly name: string;
  readonly parameterCount: number;
}

/** Pairs layers by name; values are as stored, or divided by √n of each layer's own size. */
export function pairLayers(
  own: readonly SizedLayer[],
  other: readonly SizedLayer[],
  isPerRootN: boolean,
): LayerPairing {
  const factor = (layers: readonly SizedLayer[]) => (layer: number) =>
    isPerRootN ? 1 / Math.sqrt(layers[layer]?.parameterCount ?? 1) : 1;
  const names = (layers: readonly SizedLayer[]) => layers.map(({ name }) => name);
  return {
    otherLayer: matchLayers(names(own), names(other)),
    ownFactor: factor(own),
    otherFactor: factor(other),
  };
}

/** Two heatmaps over the same steps and the layers of one of them. */
export interface PairedCells {
  readonly layerCount: number;
  readonly columnCount: number;
  readonly fromStep: Float64Array;
  readonly toStep: Float64Array;
  /** The largest value of a cell; ∞ where one was not finite, NaN where nothing was reported. */
  readonly own: (column: number, layer: number) => number;
  readonly other: (column: number, layer: number) => number;
}

/**
 * `own` beside `other`, over the steps of `own`. Where either holds several steps a column,
 * both are taken over the wider columns by their largest values, so that a bucket is never
 * held against a single step.
 */
export function pairCells(
  own: HeatmapColumns,
  other: HeatmapColumns,
  { otherLayer, ownFactor, otherFactor }: LayerPairing,
): PairedCells {
  const grid = usualWidth(other) > usualWidth(own) ? other : own;
  const ownAt = overlaps(grid, own);
  const otherAt = overlaps(grid, other);
  return {
    layerCount: own.layerCount,
    columnCount: grid.columnCount,
    fromStep: grid.fromStep,
    toStep: grid.toStep,
    own: (column, layer) => largest(own, layer, ownAt, column) * ownFactor(layer),
    other: (column, layer) => {
      const counterpart = otherLayer[layer] ?? -1;
      if (counterpart === -1) return NaN;
      return largest(other, counterpart, otherAt, column) * otherFactor(counterpart);
    },
  };
}

/**
 * What the two sides of each cell differ by.
 *
 * NaN/Inf  not finite on either side stays so; missing on either side is missing
 * Cost     O(columns × layers)
 */
export function prepareDifference(pair: PairedCells, kind: DifferenceKind): DifferenceColumns {
  const { columnCount, layerCount, fromStep, toStep } = pair;
  const codes = new Uint16Array(columnCount * layerCount);
  const values = new Float32Array(columnCount * layerCount).fill(NaN);
  for (let layer = 0; layer < layerCount; layer++) {
    for (let column = 0; column < columnCount; column++) {
      const other = pair.other(column, layer);
      if (Number.isNaN(other)) continue;
      const own = pair.own(column, layer);
      const isNonFinite = own === Infinity || other === Infinity;
      const value = isNonFinite ? NaN : differenceOf(kind, own, other);
      const at = column * layerCount + layer;
      values[at] = value;
      codes[at] = encodeDeviation(value, isNonFinite);
    }
  }
  return { kind, layerCount, columnCount, fromStep, toStep, codes, values };
}

/** Powers of ten of a factor, or a plain difference; NaN where either is missing. */
export function differenceOf(kind: DifferenceKind, own: number, other: number): number {
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
