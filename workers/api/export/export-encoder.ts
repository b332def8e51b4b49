import type { ExportFormat } from '../../../lib/contract/exports';
import type { ExportBatch, ExportColumn } from '../../../lib/query/export/export-batch';
import { createCsvEncoder } from './csv-encoder';
import { createJsonlEncoder } from './jsonl-encoder';
import { createParquetEncoder } from './parquet-encoder';

/** Writes batches in a format. Each piece is some 64 KB, so that others are answered between two. */
export interface ExportEncoder {
  begin(): Uint8Array | null;
  encode(batch: ExportBatch): Iterable<Uint8Array>;
  /** What is still held back, and the end of the file. */
  end(): Uint8Array | null;
}

export function createEncoder(
  format: ExportFormat,
  columns: readonly ExportColumn[],
): ExportEncoder {
  switch (format) {
    case 'csv':
      return createCsvEncoder(columns);
    case 'jsonl':
      return createJsonlEncoder(columns);
    case 'parquet':
      return createParquetEncoder(columns);
  }
}
