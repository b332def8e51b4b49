import { describe, expect, it } from 'vitest';
import type { Bucket } from '@/lib/contract/reads';
import type { ChartTable } from '@/lib/view/text/chart-table';
import { bucketsTable } from '@/lib/view/timelines/timeline-table';

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

describe('the table of series over each other', () => {
  it('names each row by its series, in order', () => {
    const table = bucketsTable('Losses', 'run', [
      { name: 'a', points: [bucket(1, 2), bucket(2, 0.5, 0, 9)] },
      { name: 'b', points: [bucket(1, 3)] },
    ]);
    expect(table.columns.map(({ name }) => name)).toEqual([
      'run',
      'from_step',
      'to_step',
      'min',
      'mean',
      'max',
      'non_finite_count',
    ]);
    expect(rowsOf(table)).toEqual([
      ['a', 1, 1, 2, 2, 2, 0],
      ['a', 2, 9, 0.5, 0.5, 0.5, 0],
      ['b', 1, 1, 3, 3, 3, 0],
    ]);
  });

  it('tells a step without a value from one that was not finite', () => {
    const table = bucketsTable('Losses', 'run', [
      { name: 'a', points: [bucket(1, null), bucket(2, null, 3)] },
    ]);
    expect(rowsOf(table)).toEqual([
      ['a', 1, 1, null, null, null, 0],
      ['a', 2, 2, NaN, NaN, NaN, 3],
    ]);
  });
});
