import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { CODE_NON_FINITE } from '@/lib/view/colours/magnitude-code';
import { RunColumns } from '@/lib/view/heatmap/run-columns';
import { heatmapColumns } from './columns-builder';

const row = (columns: RunColumns, layer: number) =>
  Array.from({ length: columns.columnCount }, (_, column) => columns.value(column, layer));

describe('RunColumns', () => {
  it('grows far beyond its first capacity without losing a value', () => {
    const columns = new RunColumns(2);
    for (let step = 0; step < 3000; step++) {
      columns.append(heatmapColumns([{ step, loss: step, cells: [step, -step] }]));
    }
    expect(columns.columnCount).toBe(3000);
    expect(columns.value(2999, 0)).toBe(2999);
    expect(columns.value(1234, 1)).toBe(-1234);
    expect(columns.loss[7]).toBe(7);
    expect(columns.isExact).toBe(true);
  });

  it('gives the same columns whichever way they arrive, and twice is once', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8], { minLength: 8 }), (order) => {
        const columns = new RunColumns(1);
        for (const step of [...order, ...order.slice(0, 3)]) {
          columns.append(heatmapColumns([{ step, loss: step / 2, cells: [step * 10] }]));
        }
        expect(Array.from(columns.fromStep)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
        expect(row(columns, 0)).toEqual([10, 20, 30, 40, 50, 60, 70, 80]);
      }),
    );
  });

  it('merges the shards of one step by what each reports', () => {
    const columns = new RunColumns(3);
    columns.append(heatmapColumns([{ step: 5, loss: 2, cells: [1, null, null] }]));
    columns.append(heatmapColumns([{ step: 5, cells: [null, 2, Infinity] }]));
    expect(columns.columnCount).toBe(1);
    expect([columns.value(0, 0), columns.value(0, 1)]).toEqual([1, 2]);
    expect(columns.code(0, 2)).toBe(CODE_NON_FINITE);
    expect(columns.loss[0]).toBe(2);
  });

  it('raises a bucket by a step inside it and never lowers it', () => {
    const columns = new RunColumns(1);
    columns.append(heatmapColumns([{ step: 0, toStep: 9, loss: 1, cells: [5] }]));
    columns.append(heatmapColumns([{ step: 4, loss: 3, cells: [7] }]));
    columns.append(heatmapColumns([{ step: 5, loss: 0.5, cells: [2] }]));
    expect(columns.columnCount).toBe(1);
    expect(columns.value(0, 0)).toBe(7);
    expect(columns.loss[0]).toBe(3);
  });

  it('forgets from a step on when a newer attempt starts there', () => {
    const columns = new RunColumns(1);
    columns.append(heatmapColumns([1, 2, 3, 4].map((step) => ({ step, cells: [step] }))));
    columns.truncateFrom(3);
    expect(Array.from(columns.fromStep)).toEqual([1, 2]);
  });

  it('keeps the one extreme of ten thousand steps through compaction', () => {
    const columns = new RunColumns(2);
    columns.append(
      heatmapColumns(
        Array.from({ length: 10_000 }, (_, step) => ({
          step,
          cells: [step === 6543 ? 99 : 1, step === 17 ? Infinity : 1],
        })),
      ),
    );
    columns.compact(256);
    expect(columns.columnCount).toBeLessThanOrEqual(256);
    expect(Math.max(...row(columns, 0))).toBe(99);
    const at = columns.columnAt(17)!;
    expect(columns.code(at, 1)).toBe(CODE_NON_FINITE);
    expect(columns.newestStep).toBe(9999);
    expect(columns.columnAt(6543)).toBe(row(columns, 0).indexOf(99));
  });

  it('scales each layer by its factor and finds the nearest column', () => {
    const columns = new RunColumns(2, Float64Array.of(0.5, 0.1));
    columns.append(heatmapColumns([10, 20].map((step) => ({ step, cells: [4, 4] }))));
    expect(columns.value(0, 0)).toBe(2);
    expect(columns.value(1, 1)).toBeCloseTo(0.4);
    expect([columns.nearestColumn(3), columns.nearestColumn(16)]).toEqual([0, 1]);
    expect(columns.columnAt(15)).toBeNull();
  });

  it('refuses columns of another number of layers', () => {
    expect(() => new RunColumns(2).append(heatmapColumns([{ step: 1, cells: [1, 2, 3] }]))).toThrow(
      'expected 2 layers, got 3',
    );
  });
});
