import { shortestFloat32, type ChartTable, type TableCell } from '../text/chart-table';
import type { StepWindow } from '../axes/step-axis';

/** What a table needs of the columns of a heatmap. */
export interface ReadableColumns {
  readonly columnCount: number;
  readonly fromStep: ArrayLike<number>;
  readonly toStep: ArrayLike<number>;
  /** null: nobody reported; NaN: not finite. */
  readonly cell: (column: number, layer: number) => number | null;
}

const STEP_COLUMNS = 2;

/** The columns that lie in the window. */
function columnsWithin(columns: ReadableColumns, window: StepWindow): readonly number[] {
  return Array.from({ length: columns.columnCount }, (_, index) => index).filter(
    (index) =>
      (columns.toStep[index] ?? NaN) >= window.fromStep &&
      (columns.fromStep[index] ?? NaN) <= window.toStep,
  );
}

/** A row for each column of the picture, the layers side by side in the order of the picture. */
export function heatmapTable(
  caption: string,
  columns: ReadableColumns,
  layers: readonly { readonly index: number; readonly name: string }[],
  window: StepWindow,
  write: (value: number) => TableCell = shortestFloat32,
): ChartTable {
  const rows = columnsWithin(columns, window);
  return {
    caption,
    columns: [
      { name: 'from_step', kind: 'step' },
      { name: 'to_step', kind: 'step' },
      ...layers.map(({ name }) => ({ name, kind: 'value' as const })),
    ],
    keyColumnCount: STEP_COLUMNS,
    rowCount: rows.length,
    cell: (row, column) => {
      const at = rows[row];
      if (at === undefined) return null;
      if (column === 0) return columns.fromStep[at] ?? null;
      if (column === 1) return columns.toStep[at] ?? null;
      const layer = layers[column - STEP_COLUMNS];
      const value = layer === undefined ? null : columns.cell(at, layer.index);
      return value === null || Number.isNaN(value) ? value : write(value);
    },
  };
}
