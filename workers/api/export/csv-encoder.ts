import type { ExportColumn } from '../../../lib/query/export/export-batch';
import { cellReader, LineBytes, numberText } from './cell-text';
import type { FileEncoder } from './file-encoder';

/** RFC 4180 with a header: a missing cell is empty, other numbers are NaN, Infinity, -Infinity. */
export function createCsvEncoder(columns: readonly ExportColumn[]): FileEncoder {
  const lines = new LineBytes(`${columns.map(({ name }) => csvText(name)).join(',')}\r\n`);
  return {
    encode({ rowCount, cells }) {
      const readers = cells.map(cellReader);
      for (let row = 0; row < rowCount; row++) {
        let line = '';
        for (const [index, read] of readers.entries()) {
          const cell = read(row);
          if (index > 0) line += ',';
          if (cell !== null) line += typeof cell === 'number' ? numberText(cell) : csvText(cell);
        }
        lines.add(`${line}\r\n`);
      }
      return lines.take();
    },
    end: () => lines.take(),
  };
}

/** An empty text is quoted, so that it is not taken for a missing one. */
function csvText(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
