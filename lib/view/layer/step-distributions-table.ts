import type { DistributionsReply } from '../../contract/reads';
import type { ChartTable } from '../text/chart-table';
import { distributionTable } from './distribution-table';

/** Every distribution of one layer at one step, one below the other, as posted. */
export function stepDistributionsTable(
  caption: string,
  item: DistributionsReply['items'][number],
): ChartTable {
  const tables = item.distributions.map(({ kind }) => ({
    kind,
    table: distributionTable(caption, kind, [item]),
  }));
  const rows = tables.flatMap(({ kind, table }) =>
    Array.from({ length: table.rowCount }, (_, row) => ({ kind, table, row })),
  );
  return {
    caption,
    columns: [{ name: 'kind', kind: 'text' }, ...(tables[0]?.table.columns ?? [])],
    keyColumnCount: 3,
    rowCount: rows.length,
    cell: (row, column) => {
      const found = rows[row];
      if (found === undefined) return null;
      return column === 0 ? found.kind : found.table.cell(found.row, column - 1);
    },
  };
}
