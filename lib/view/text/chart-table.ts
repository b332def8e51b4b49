import { formatCount, formatNumber, formatStep } from './format-number';

/** null: nobody reported; a number may be NaN or infinite, which is something else. */
export type TableCell = number | string | null;

export interface TableColumn {
  /** As it heads a file: snake_case. */
  readonly name: string;
  readonly kind: 'step' | 'count' | 'value' | 'text';
}

/** What a chart shows, as rows; cells are read one by one, since a heatmap has millions. */
export interface ChartTable {
  readonly caption: string;
  readonly columns: readonly TableColumn[];
  /** So many columns at the left say what a row is. */
  readonly keyColumnCount: number;
  readonly rowCount: number;
  readonly cell: (row: number, column: number) => TableCell;
}

/** float32 has up to nine significant digits; fewer are tried first. */
const FEWEST_DIGITS = 6;
const MOST_DIGITS = 9;

/** The shortest number that is the same float32: 0.01, where the float itself is 0.00999999977…. */
export function shortestFloat32(value: number): number {
  if (!Number.isFinite(value)) return value;
  const wanted = Math.fround(value);
  for (let digits = FEWEST_DIGITS; digits < MOST_DIGITS; digits++) {
    const short = Number(wanted.toPrecision(digits));
    if (Math.fround(short) === wanted) return short;
  }
  return Number(wanted.toPrecision(MOST_DIGITS));
}

/**
 * A cell of a CSV file: numbers whole, as every language reads them back.
 *
 * Empty    null is an empty field
 * NaN/Inf  "NaN", "Infinity", "-Infinity"
 */
export function writeCsvCell(cell: TableCell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return String(cell);
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** The table as a file, in pieces: one text of millions of cells would be copied at each growth. */
export function writeCsv({ columns, rowCount, cell }: ChartTable): readonly string[] {
  const lines = [`${columns.map(({ name }) => writeCsvCell(name)).join(',')}\r\n`];
  for (let row = 0; row < rowCount; row++) {
    lines.push(`${columns.map((_, column) => writeCsvCell(cell(row, column))).join(',')}\r\n`);
  }
  return lines;
}

/** A cell as it is read in the page, in the form that numbers have everywhere. */
export function formatCell(cell: TableCell, kind: TableColumn['kind']): string {
  if (typeof cell === 'string') return cell;
  if (cell === null || !Number.isFinite(cell)) return formatNumber(cell);
  switch (kind) {
    case 'step':
      return formatStep(cell);
    case 'count':
      return formatCount(cell);
    case 'value':
    case 'text':
      return formatNumber(cell);
  }
}
