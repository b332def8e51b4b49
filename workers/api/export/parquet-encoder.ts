/**
 * Parquet by row groups. What is held is one group and, for the footer, some hundred bytes a
 * column of each group that is written.
 *
 * Uncompressed and plain: of float32 a codec in JavaScript saves a fifth and takes several
 * times as long.
 */
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { SchemaElement } from 'hyparquet';
import type { ExportBatch, ExportColumn } from '../../../lib/query/export/export-batch';
import { cellReader } from './cell-text';
import type { FileEncoder } from './file-encoder';

/** Written in 50 ms. */
const CELLS_A_GROUP = 96 * 1024;
/** A page never ends a group's column: a group is far smaller than a page. */
const PAGE_BYTES = 16 * 1024 * 1024;

export function createParquetEncoder(columns: readonly ExportColumn[]): FileEncoder {
  const writer = new ByteWriter(64 * 1024);
  const parquet = new ParquetWriter({
    writer,
    codec: 'UNCOMPRESSED',
    createdBy: 'spikescope',
    schema: [{ name: 'root', num_children: columns.length }, ...columns.map(toElement)],
  });
  let held: ExportBatch[] = [];
  let heldRows = 0;

  /** The bytes since the last call; offsets in the file go on. */
  function takeBytes(): Uint8Array<ArrayBuffer> {
    const bytes = Uint8Array.from(writer.getBytes());
    writer.index = 0;
    return bytes;
  }

  function writeGroup(): void {
    if (heldRows === 0) return;
    const columnData = columns.map(({ name, type }, index) => {
      const data = held.flatMap(({ rowCount, cells }) => {
        const column = cells[index];
        if (column === undefined) throw new Error(`a batch is without its column ${name}`);
        return Array.from({ length: rowCount }, (_, row) => row).map(cellReader(column));
      });
      return {
        name,
        data: type === 'int64' ? data.map((cell) => (cell === null ? null : BigInt(cell))) : data,
        encoding: 'PLAIN' as const,
        // Readers skip groups by them; of values they would say little.
        statistics: type === 'int64' || type === 'int32',
      };
    });
    const written = parquet.write({ columnData, rowGroupSize: heldRows, pageSize: PAGE_BYTES });
    if (written !== undefined) throw new Error('a writer to memory has nothing to wait for');
    held = [];
    heldRows = 0;
  }

  return {
    encode(batch) {
      held.push(batch);
      heldRows += batch.rowCount;
      if (heldRows * columns.length < CELLS_A_GROUP) return null;
      writeGroup();
      return takeBytes();
    },
    end() {
      writeGroup();
      const finished = parquet.finish();
      if (finished !== undefined) throw new Error('a writer to memory has nothing to wait for');
      return takeBytes();
    },
  };
}

function toElement({ name, type }: ExportColumn): SchemaElement {
  const optional = { name, repetition_type: 'OPTIONAL' as const };
  switch (type) {
    case 'int32':
      return { ...optional, type: 'INT32' };
    case 'int64':
      return { ...optional, type: 'INT64' };
    case 'float32':
      return { ...optional, type: 'FLOAT' };
    case 'float64':
      return { ...optional, type: 'DOUBLE' };
    case 'text':
    case 'json':
      return { ...optional, type: 'BYTE_ARRAY', converted_type: 'UTF8' };
  }
}
