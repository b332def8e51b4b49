/**
 * Spikes, stages and events as they are stored, for exports: every column, non-finite numbers
 * too, in the order of their steps and a page at a time.
 */
import type { CopyRow } from '../postgres/copy-binary';
import { integerText } from '../postgres/integer-text';
import { runLiteral, segmentRelation } from './segment-filter';
import type { RowReader } from '../postgres/snapshot';
import type { Segment } from '../runs/trajectory';

export type TableColumnType = 'int32' | 'int64' | 'float64' | 'text' | 'json';

export interface TableColumn {
  readonly name: string;
  readonly type: TableColumnType;
  readonly sql: string;
}

export interface ExportTable {
  readonly columns: readonly TableColumn[];
  readonly sql: string;
  /** The column that is the row's step, and what tells rows of one step apart. */
  readonly step: string;
  readonly tieBreak: string;
}

function column(name: string, type: TableColumnType, sql = name): TableColumn {
  return { name, type, sql };
}

export const SPIKE_TABLE: ExportTable = {
  sql: 'spike',
  step: 'onset_step',
  tieBreak: 'id',
  columns: [
    column('id', 'text'),
    column('attempt', 'int32'),
    column('kind', 'text'),
    column('onsetStep', 'int64', 'onset_step'),
    column('confirmedStep', 'int64', 'confirmed_step'),
    column('riseStep', 'int64', 'rise_step'),
    column('peakStep', 'int64', 'peak_step'),
    column('peakValue', 'float64', 'peak_value'),
    column('baseline', 'float64'),
    column('recoveredStep', 'int64', 'recovered_step'),
    column('recovery', 'text'),
    column('excessArea', 'float64', 'excess_area'),
    column('levelShift', 'float64', 'level_shift'),
    column('firstMovers', 'json', 'first_movers'),
    column('moverCount', 'int32', 'mover_count'),
    column('globalMovers', 'json', 'global_movers'),
    column('verdict', 'text'),
    column('precursorChance', 'float64', 'precursor_chance'),
    column('chanceSteps', 'int64', 'chance_steps'),
    column('reevaluation', 'json'),
  ],
};

export const STAGE_TABLE: ExportTable = {
  sql: 'stage_interval',
  step: 'from_step',
  tieBreak: `lpad(attempt::text, 10, '0') || lpad(layer::text, 10, '0')`,
  columns: [
    column('attempt', 'int32'),
    column('layer', 'int32'),
    column('fromStep', 'int64', 'from_step'),
    column('toStep', 'int64', 'to_step'),
    column('stage', 'text'),
    column('label', 'text'),
  ],
};

export const EVENT_TABLE: ExportTable = {
  sql: 'event',
  step: 'step',
  tieBreak: 'event::text',
  columns: [
    column('id', 'text'),
    column('attempt', 'int32'),
    column('step', 'int64'),
    column('kind', 'text'),
    column('title', 'text'),
    column('detail', 'text'),
    column(
      'createdAt',
      'text',
      `to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
    ),
  ],
};

export type TableCell = number | string | null;

export interface TableRow {
  readonly step: number;
  readonly tieBreak: string;
  readonly cells: readonly TableCell[];
}

/** Behind this row. */
export type TableCursor = Pick<TableRow, 'step' | 'tieBreak'>;

const fromSegments = (runKey: string, { sql, step }: ExportTable, segments: readonly Segment[]) =>
  `FROM ${sql} AS stored WHERE run = ${runLiteral(runKey)} AND EXISTS (
     SELECT 1 FROM ${segmentRelation(segments)} WHERE stored.attempt = segment.attempt
       AND stored.${step} BETWEEN segment.from_step AND segment.to_step)`;

export async function countTableRows(
  reader: RowReader,
  runKey: string,
  table: ExportTable,
  segments: readonly Segment[],
): Promise<{ readonly count: number; readonly firstStep: number; readonly lastStep: number }> {
  let found = { count: 0, firstStep: Infinity, lastStep: -Infinity };
  if (segments.length === 0) return found;
  await reader.copyRows(
    `SELECT count(*), min(${table.step}), max(${table.step})
     ${fromSegments(runKey, table, segments)} HAVING count(*) > 0`,
    (row) => {
      found = { count: row.int8(0), firstStep: row.int8(1), lastStep: row.int8(2) };
    },
  );
  return found;
}

/** At most `limit` rows whose step lies in a segment of their attempt, by step. Reads the run's rows. */
export async function findTablePage(
  reader: RowReader,
  runKey: string,
  table: ExportTable,
  {
    segments,
    after,
    limit,
  }: {
    readonly segments: readonly Segment[];
    readonly after: TableCursor | null;
    readonly limit: number;
  },
): Promise<TableRow[]> {
  const rows: TableRow[] = [];
  if (segments.length === 0) return rows;
  const { columns, step, tieBreak } = table;
  const list = columns.map(({ type, sql }) => (type === 'json' ? `${sql}::text` : sql)).join(', ');
  // Collated by byte, as the comparison below is.
  const order = `${step}, (${tieBreak}) COLLATE "C"`;
  const rest =
    after === null
      ? ''
      : `AND (${step}, (${tieBreak}) COLLATE "C") > (${integerText(after.step)}, ${textLiteral(after.tieBreak)})`;
  await reader.copyRows(
    `SELECT ${step}, (${tieBreak})::text, ${list} ${fromSegments(runKey, table, segments)} ${rest}
     ORDER BY ${order} LIMIT ${integerText(limit)}`,
    (row) => {
      rows.push({
        step: row.int8(0),
        tieBreak: row.text(1),
        cells: columns.map(({ type }, index) => cellOf(row, index + 2, type)),
      });
    },
  );
  return rows;
}

function cellOf(row: CopyRow, field: number, type: TableColumnType): TableCell {
  if (row.isNull(field)) return null;
  switch (type) {
    case 'int32':
      return row.int4(field);
    case 'int64':
      return row.int8(field);
    case 'float64':
      return row.float8(field);
    case 'text':
    case 'json':
      return row.text(field);
  }
}

/** Ids are hashes or made by the detectors, yet what is no plain text stops here. */
function textLiteral(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text) || text.includes('\\')) throw new TypeError('not a plain text');
  return `'${text.replaceAll("'", "''")}'`;
}
