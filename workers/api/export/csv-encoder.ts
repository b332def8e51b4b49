import type { ExportColumn } from '../../../lib/query/export/export-batch';
import { cellReader, numberText, PIECE_LENGTH } from './cell-text';
import type { ExportEncoder } from './export-encoder';

/** RFC 4180 with a header: a missing cell is empty, other numbers are NaN, Infinity, -Infinity. */
export function createCsvEncoder(columns: readonly ExportColumn[]): ExportEncoder {
  return {
    begin: () => Buffer.from(`${columns.map(({ name }) => csvText(name)).join(',')}\r\n`),
    *encode({ rowCount, cells }) {
      const readers = cells.map(cellReader);
      let text = '';
      for (let row = 0; row < rowCount; row++) {
        for (const [index, read] of readers.entries()) {
          const cell = read(row);
          if (index > 0) text += ',';
          if (cell !== null) text += typeof cell === 'number' ? numberText(cell) : csvText(cell);
        }
        text += '\r\n';
        if (text.length < PIECE_LENGTH) continue;
        yield Buffer.from(text);
        text = '';
      }
      if (text.length > 0) yield Buffer.from(text);
    },
    end: () => null,
  };
}

/** An empty text is quoted, so that it is not taken for a missing one. */
function csvText(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
