import type { ChartTable } from '../text/chart-table';
import { heatmapTable } from '../heatmap/heatmap-table';
import {
  BEYOND_DECADES,
  differenceOf,
  type DifferenceKind,
  type PairedCells,
} from './heatmap-difference';
import type { StepWindow } from '../axes/step-axis';

/** How a column says what it holds of its layer. */
const DIFFERENCE_NAME: Readonly<Record<DifferenceKind, string>> = {
  decades: 'log10 of the ratio',
  linear: 'difference',
};

/** A layer's own value, the other's, and what they differ by. */
const PARTS = 3;
/** A ratio of float32 is no more exact. */
const RATIO_DIGITS = 6;

/**
 * The table of a heatmap that is held against another: for each layer three columns, its own
 * value, the other's under its name, and the difference that is drawn.
 *
 * NaN/Inf  NaN where a value was not finite; ±Infinity for a ratio from or to exactly 0
 */
export function differenceTable(
  caption: string,
  pair: PairedCells,
  kind: DifferenceKind,
  otherName: string,
  layers: readonly { readonly index: number; readonly name: string }[],
  window: StepWindow,
): ChartTable {
  const read = (column: number, layer: number, part: number): number => {
    if (part === 0) return pair.own(column, layer);
    const other = pair.other(column, layer);
    if (part === 1) return other;
    const own = pair.own(column, layer);
    // Not finite on either side, which is said by ∞ here and by NaN in the table.
    if (own === Infinity || other === Infinity) {
      return Number.isNaN(own) || Number.isNaN(other) ? NaN : Infinity;
    }
    return differenceOf(kind, own, other);
  };
  const cell = (column: number, at: number): number | null => {
    const part = at % PARTS;
    const value = read(column, Math.floor(at / PARTS), part);
    if (Number.isNaN(value)) return null;
    if (value === Infinity) return NaN;
    if (part !== 2 || kind !== 'decades') return value;
    if (Math.abs(value) === BEYOND_DECADES) return value * Infinity;
    return Number(value.toPrecision(RATIO_DIGITS));
  };
  const columns = layers.flatMap(({ index, name }) => [
    { index: PARTS * index, name },
    { index: PARTS * index + 1, name: `${name} (${otherName})` },
    { index: PARTS * index + 2, name: `${name} (${DIFFERENCE_NAME[kind]})` },
  ]);
  return heatmapTable(caption, { ...pair, cell }, columns, window);
}
