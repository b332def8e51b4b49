import { describe, expect, it } from 'vitest';
import type { Bucket } from '@/lib/contract/reads';
import type { ChartTable } from '@/lib/view/chart-table';
import { bucketsTable, timelineTable } from '@/lib/view/timeline-table';
import { TimelineSeries } from '@/lib/view/timeline-series';

const bucket = (step: number, value: number | null, nonFiniteCount = 0, toStep = step): Bucket => ({
  fromStep: step,
  toStep,
  min: value,
  max: value,
  mean: value,
  nonFiniteCount,
});
const rowsOf = ({ rowCount, columns, cell }: ChartTable) =>
  Array.from({ length: rowCount }, (_, row) => columns.map((_, column) => cell(row, column)));

describe('the table of a timeline', () => {
  const series = new TimelineSeries(100);
  series.replace([bucket(1, 2), bucket(2, null), bucket(3, null, 1), bucket(4, 0.5)]);

  it('tells a step without a value from one that was not finite', () => {
    const table = timelineTable('Loss', 'loss', series.columns, { fromStep: 1, toStep: 4 });
    expect(table.columns.map(({ name }) => name)).toEqual([
      'from_step',
      'to_step',
      'loss_min',
      'loss_max',
      'non_finite_count',
    ]);
    expect(rowsOf(table)).toEqual([
      [1, 1, 2, 2, 0],
      [2, 2, null, null, 0],
      [3, 3, NaN, NaN, 1],
      [4, 4, 0.5, 0.5, 0],
    ]);
  });

  it('holds what is shown and no more', () => {
    const table = timelineTable('Loss', 'loss', series.columns, { fromStep: 2, toStep: 3 });
    expect(rowsOf(table).map(([step]) => step)).toEqual([2, 3]);
  });

  it('keeps a bucket that reaches into the window', () => {
    const wide = new TimelineSeries(100);
    wide.replace([bucket(0, 1, 0, 9), bucket(10, 2, 0, 19)]);
    const table = timelineTable('Loss', 'loss', wide.columns, { fromStep: 5, toStep: 6 });
    expect(rowsOf(table)).toEqual([[0, 9, 1, 1, 0]]);
  });
});

describe('the table of series over each other', () => {
  it('names each row by its series', () => {
    const table = bucketsTable('Losses', 'run', [
      { name: 'a', points: [bucket(1, 2)] },
      { name: 'b', points: [bucket(1, null, 2)] },
    ]);
    expect(rowsOf(table)).toEqual([
      ['a', 1, 1, 2, 2, 2, 0],
      ['b', 1, 1, NaN, NaN, NaN, 2],
    ]);
  });
});
