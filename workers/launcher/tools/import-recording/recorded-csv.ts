import { parseRecordedNumber } from './recorded-fields';

/**
 * Lines of a CSV log with a header as the objects of the JSON form; an empty cell is not
 * there. Fields in quotes are not understood: logs of numbers have none.
 */
export class CsvLines {
  private columns: readonly string[] | null = null;

  /** null for the header. Throws  RangeError when header or row is not such a log's */
  parse(line: string): Record<string, unknown> | null {
    const cells = line.split(',').map((cell) => cell.trim());
    if (this.columns === null) {
      if (!cells.includes('step')) {
        throw new RangeError(`header: expected a column step, got ${cells.join(',')}`);
      }
      this.columns = cells;
      return null;
    }
    if (cells.length !== this.columns.length) {
      throw new RangeError(`expected ${this.columns.length} cells, got ${cells.length}`);
    }
    const row: Record<string, unknown> = {};
    this.columns.forEach((column, index) => {
      const cell = cells[index] ?? '';
      if (column === '' || cell === '') return;
      const number = Number(cell);
      row[column] = Number.isNaN(number) ? (parseRecordedNumber(cell) ?? cell) : number;
    });
    return row;
  }
}
