import type { DistributionsReply } from '../../contract/reads';
import type { ChartTable, TableCell } from '../text/chart-table';

type Item = DistributionsReply['items'][number];

/** One bin, or what lies outside of all, as it was posted. */
type Row = readonly [step: number, part: string, left: TableCell, right: TableCell, count: number];

function rowsOf({ step, distributions }: Item, kind: string): readonly Row[] {
  const found = distributions.find((entry) => entry.kind === kind);
  if (found === undefined) return [];
  const { edges, counts, underflow, overflow, zeros, nonFinite } = found;
  return [
    [step, 'underflow', null, edges[0] ?? null, underflow],
    ...counts.map((count, bin): Row => [
      step,
      'bin',
      edges[bin] ?? null,
      edges[bin + 1] ?? null,
      count,
    ]),
    [step, 'overflow', edges.at(-1) ?? null, null, overflow],
    [step, 'exact_zero', 0, 0, zeros],
    [step, 'non_finite', null, null, nonFinite],
  ];
}

/** The posted bins of one kind of distribution, step after step; nothing is merged. */
export function distributionTable(
  caption: string,
  kind: string,
  items: readonly Item[],
): ChartTable {
  const rows = items.flatMap((item) => rowsOf(item, kind));
  return {
    caption,
    columns: [
      { name: 'step', kind: 'step' },
      { name: 'part', kind: 'text' },
      { name: 'left_edge', kind: 'value' },
      { name: 'right_edge', kind: 'value' },
      { name: 'count', kind: 'count' },
    ],
    keyColumnCount: 2,
    rowCount: rows.length,
    cell: (row, column) => rows[row]?.[column] ?? null,
  };
}
