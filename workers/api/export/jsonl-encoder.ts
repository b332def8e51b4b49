import type { ExportColumn } from '../../../lib/query/export/export-batch';
import { cellReader, LineBytes, numberText } from './cell-text';
import type { FileEncoder } from './file-encoder';

/** One object a line: a missing cell is null, NaN and the infinities are the contract's strings. */
export function createJsonlEncoder(columns: readonly ExportColumn[]): FileEncoder {
  const lines = new LineBytes('');
  const heads = columns.map(
    ({ name }, index) => `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`,
  );
  return {
    encode({ rowCount, cells }) {
      const readers = cells.map(cellReader);
      for (let row = 0; row < rowCount; row++) {
        let line = '';
        for (const [index, read] of readers.entries()) {
          line += heads[index] ?? '';
          line += jsonText(read(row), columns[index]?.type === 'json');
        }
        lines.add(`${line}}\n`);
      }
      return lines.take();
    },
    end: () => lines.take(),
  };
}

function jsonText(cell: number | string | null, isJson: boolean): string {
  if (cell === null) return 'null';
  if (typeof cell === 'string') return isJson ? cell : JSON.stringify(cell);
  return cell - cell === 0 ? numberText(cell) : `"${cell}"`;
}
