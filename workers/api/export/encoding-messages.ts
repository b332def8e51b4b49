/** What crosses between exports and the thread that writes their files. */
import type { ExportFormat } from '../../../lib/contract/exports';
import type { ExportBatch, ExportColumn } from '../../../lib/query/export/export-batch';

/** `file`: a number of the caller's for each export. */
export type EncodingRequest =
  | {
      readonly kind: 'open';
      readonly file: number;
      readonly format: ExportFormat;
      readonly columns: readonly ExportColumn[];
    }
  | { readonly kind: 'batch'; readonly file: number; readonly batch: ExportBatch }
  /** Forgotten afterwards. */
  | { readonly kind: 'end'; readonly file: number }
  /** Nobody wants the rest. */
  | { readonly kind: 'close'; readonly file: number };

/** To each `batch` and `end`, in their order. */
export interface EncodingReply {
  readonly file: number;
  /** null: there is nothing to be sent yet. */
  readonly bytes: Uint8Array<ArrayBuffer> | null;
  /** What went wrong with this file; null for nothing. */
  readonly failure: string | null;
}
