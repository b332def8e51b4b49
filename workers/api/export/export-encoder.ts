import type { ExportFormat } from '../../../lib/contract/exports';
import type { ExportBatch, ExportColumn } from '../../../lib/query/export/export-batch';
import { createCsvEncoder } from './csv-encoder';
import { createJsonlEncoder } from './jsonl-encoder';
import { openParquetEncoder } from './parquet-client';

/** Writes batches in a format. No piece keeps this thread for more than a millisecond or two. */
export interface ExportEncoder {
  begin(): Uint8Array | null;
  /** The batch is the encoder's from then on. */
  encode(batch: ExportBatch): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** What is still held back, and the end of the file. */
  end(): Uint8Array | null | Promise<Uint8Array | null>;
  /** To be called at the end, whatever came of it. */
  close?(): void;
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
      return openParquetEncoder(columns);
  }
}
