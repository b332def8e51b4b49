import type { ExportColumn } from '../../../lib/query/export/export-batch';
import { cellReader, numberText, PIECE_LENGTH } from './cell-text';
import type { ExportEncoder } from './export-encoder';

/** One object a line: a missing cell is null, NaN and the infinities are the contract's strings. */
export function createJsonlEncoder(columns: readonly ExportColumn[]): ExportEncoder {
  const heads = columns.map(
    ({ name }, index) => `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`,
  );
  return {
    begin: () => null,
    *encode({ rowCount, cells }) {
      const readers = cells.map(cellReader);
      let text = '';
      for (let row = 0; row < rowCount; row++) {
        for (const [index, read] of readers.entries()) {
          text += heads[index] ?? '';
          text += jsonText(read(row), columns[index]?.type === 'json');
        }
        text += '}\n';
        if (text.length < PIECE_LENGTH) continue;
        yield Buffer.from(text);
        text = '';
      }
      if (text.length > 0) yield Buffer.from(text);
    },
    end: () => null,
  };
}

function jsonText(cell: number | string | null, isJson: boolean): string {
  if (cell === null) return 'null';
  if (typeof cell === 'string') return isJson ? cell : JSON.stringify(cell);
  return cell - cell === 0 ? numberText(cell) : `"${cell}"`;
}
