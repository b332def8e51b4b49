/** Spikes, stages or events, one row each. */
import type { Database } from '../../store/database';
import {
  type ExportTable,
  type TableCursor,
  findTablePage,
} from '../../store/reading/export-tables';
import type { Segment } from '../../store/runs/trajectory';
import type { ExportBatch } from './export-batch';

const ROWS_A_BATCH = 4096;

export async function* exportTable(
  db: Database,
  runKey: string,
  table: ExportTable,
  segments: readonly Segment[],
): AsyncGenerator<ExportBatch> {
  for (let after: TableCursor | null = null; ;) {
    const found = await findTablePage(db, runKey, table, {
      segments,
      after,
      limit: ROWS_A_BATCH + 1,
    });
    const rows = found.slice(0, ROWS_A_BATCH);
    const last = rows.at(-1);
    if (last === undefined) return;
    const next = found.at(ROWS_A_BATCH);
    yield {
      rowCount: rows.length,
      // The next page may begin with rows of the same step.
      completeStep: next?.step === last.step ? null : last.step,
      cells: table.columns.map((_, index) => ({
        kind: 'list',
        values: rows.map(({ cells }) => cells[index] ?? null),
      })),
    };
    if (next === undefined) return;
    after = last;
  }
}
