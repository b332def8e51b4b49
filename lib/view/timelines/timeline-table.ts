import type { Bucket } from '../../contract/reads';
import type { ChartTable, TableCell, TableColumn } from '../text/chart-table';

const STEPS: readonly TableColumn[] = [
  { name: 'from_step', kind: 'step' },
  { name: 'to_step', kind: 'step' },
];

const NON_FINITE: TableColumn = { name: 'non_finite_count', kind: 'count' };

/** An extreme over finite values: NaN where there were none but others, null where none came. */
function extreme(value: number | null, nonFiniteCount: number): TableCell {
  return value !== null && !Number.isNaN(value) ? value : nonFiniteCount > 0 ? NaN : null;
}

export interface NamedBuckets {
  readonly name: string;
  readonly points: readonly Bucket[];
}

/** Series over each other, one below the other; `what` heads the column of their names. */
export function bucketsTable(
  caption: string,
  what: string,
  series: readonly NamedBuckets[],
): ChartTable {
  const rows = series.flatMap(({ name, points }) => points.map((point) => ({ name, point })));
  return {
    caption,
    columns: [
      { name: what, kind: 'text' },
      ...STEPS,
      { name: 'min', kind: 'value' },
      { name: 'mean', kind: 'value' },
      { name: 'max', kind: 'value' },
      NON_FINITE,
    ],
    keyColumnCount: 1 + STEPS.length,
    rowCount: rows.length,
    cell: (row, column) => {
      const found = rows[row];
      if (found === undefined) return null;
      const { fromStep, toStep, min, mean, max, nonFiniteCount } = found.point;
      return (
        [
          found.name,
          fromStep,
          toStep,
          extreme(min, nonFiniteCount),
          extreme(mean, nonFiniteCount),
          extreme(max, nonFiniteCount),
          nonFiniteCount,
        ][column] ?? null
      );
    },
  };
}
