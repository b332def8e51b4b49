import { describe, expect, it } from 'vitest';
import type { ChartTable } from '@/lib/view/text/chart-table';
import { heatmapTable, type ReadableColumns } from '@/lib/view/heatmap/heatmap-table';

const CELLS = [
  [Math.fround(0.01), 5],
  [null, NaN],
  [3, 4],
];
const columns: ReadableColumns = {
  columnCount: 3,
  fromStep: [1, 2, 3],
  toStep: [1, 2, 6],
  cell: (column, layer) => CELLS[column]![layer] ?? null,
};
const LAYERS = [
  { index: 1, name: 'h.0' },
  { index: 0, name: 'wte' },
];
const rowsOf = (table: ChartTable) =>
  Array.from({ length: table.rowCount }, (_, row) =>
    table.columns.map((_, column) => table.cell(row, column)),
  );

describe('the table of a heatmap', () => {
  it('has the layers in the order of the picture, by name', () => {
    const table = heatmapTable('Norms', columns, LAYERS, { fromStep: 1, toStep: 6 });
    expect(table.columns.map(({ name }) => name)).toEqual(['from_step', 'to_step', 'h.0', 'wte']);
    expect(rowsOf(table)).toEqual([
      [1, 1, 5, 0.01],
      [2, 2, NaN, null],
      [3, 6, 4, 3],
    ]);
  });

  it('holds the columns in sight', () => {
    const table = heatmapTable('Norms', columns, LAYERS, { fromStep: 4, toStep: 5 });
    expect(rowsOf(table).map(([from]) => from)).toEqual([3]);
  });

  it('writes what is no number in its own words', () => {
    const table = heatmapTable(
      'Stages',
      columns,
      LAYERS.slice(1),
      { fromStep: 3, toStep: 3 },
      (value) => `stage ${value}`,
    );
    expect(rowsOf(table)).toEqual([[3, 6, 'stage 3']]);
  });
});
