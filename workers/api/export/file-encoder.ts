import type { ExportFormat } from '../../../lib/contract/exports';
import type { ExportBatch, ExportColumn } from '../../../lib/query/export/export-batch';
import { createCsvEncoder } from './csv-encoder';
import { createJsonlEncoder } from './jsonl-encoder';
import { createParquetEncoder } from './parquet-encoder';

/** Writes batches in a format, each at once: 10 to 200 ms, which is why it is done in a thread. */
export interface FileEncoder {
  /** What is to be sent, in memory of its own; null while nothing is. */
  encode(batch: ExportBatch): Uint8Array<ArrayBuffer> | null;
  /** What is still held back, and the end of the file. */
  end(): Uint8Array<ArrayBuffer> | null;
}

export function createFileEncoder(
  format: ExportFormat,
  columns: readonly ExportColumn[],
): FileEncoder {
  switch (format) {
    case 'csv':
      return createCsvEncoder(columns);
    case 'jsonl':
      return createJsonlEncoder(columns);
    case 'parquet':
      return createParquetEncoder(columns);
  }
}
