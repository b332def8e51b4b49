import { describe, expect, it } from 'vitest';
import { bandColumns } from '@/lib/view/heatmap/banded-columns';
import { prepareLayerAxis } from '@/lib/view/axes/layer-axis';
import { decodeMagnitude } from '@/lib/view/colours/magnitude-code';
import { RunColumns } from '@/lib/view/heatmap/run-columns';
import { heatmapColumns } from './columns-builder';

const rowsOf = (layerCount: number, pixels: number) => ({
  bands: prepareLayerAxis(layerCount, [], pixels, 1).bands,
  layerOfRow: Array.from({ length: layerCount }, (_, layer) => layer),
});

/** [bands][columns] rounded values. */
function read(columns: RunColumns, rows: ReturnType<typeof rowsOf>): number[][] {
  const { codes, stride } = bandColumns(columns, rows);
  return rows.bands.map((_, band) =>
    Array.from({ length: columns.columnCount }, (__, column) =>
      Math.round(decodeMagnitude(codes[band * stride + column]!)),
    ),
  );
}

const at = (step: number, cells: readonly number[]) => heatmapColumns([{ step, cells }]);

describe('columns by bands', () => {
  it('are the largest of the layers that share a band', () => {
    const columns = new RunColumns(4);
    columns.append(at(0, [1, 2, 9, 3]));
    expect(read(columns, rowsOf(4, 2))).toEqual([[2], [9]]);
  });

  it('follow columns that are added, changed, put in between, merged and taken away', () => {
    const columns = new RunColumns(2);
    const rows = rowsOf(2, 2);
    const isLikeNew = () => {
      const known = read(columns, rows);
      expect(known).toEqual(read(columns, { ...rows, bands: [...rows.bands] }));
      return known;
    };
    for (const step of [0, 4, 8]) columns.append(at(step, [step + 1, 50]));
    expect(isLikeNew()).toEqual([
      [1, 5, 9],
      [50, 50, 50],
    ]);
    columns.append(at(12, [13, 50]));
    columns.append(at(6, [7, 60]));
    columns.append(at(4, [20, 50]));
    expect(isLikeNew()[0]).toEqual([1, 20, 7, 9, 13]);
    columns.truncateFrom(8);
    columns.append(at(9, [10, 1]));
    expect(isLikeNew()[0]).toEqual([1, 20, 7, 10]);
    columns.compact(2);
    expect(isLikeNew()).toEqual([
      [20, 10],
      [50, 60],
    ]);
    columns.replace(at(3, [2, 2]));
    expect(isLikeNew()).toEqual([[2], [2]]);
  });

  it('are made anew for other rows', () => {
    const columns = new RunColumns(3);
    columns.append(at(0, [1, 2, 3]));
    const rows = rowsOf(3, 3);
    expect(read(columns, rows)).toEqual([[1], [2], [3]]);
    expect(read(columns, { ...rows, layerOfRow: [2, 1, 0] })).toEqual([[3], [2], [1]]);
  });

  it('know what changed even to who has not looked for long', () => {
    const columns = new RunColumns(1);
    const rows = rowsOf(1, 1);
    columns.append(at(0, [1]));
    read(columns, rows);
    columns.append(at(0, [5]));
    for (let step = 1; step < 100; step++) columns.append(at(step, [1]));
    expect(read(columns, rows)[0]!.slice(0, 2)).toEqual([5, 1]);
  });
});
