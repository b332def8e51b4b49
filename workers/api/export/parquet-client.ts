/**
 * Parquet written in a thread, one for all exports: a group of rows takes 50 to 200 ms, during
 * which nobody else would be answered. It starts with the first export. Of each file one batch
 * is on its way at a time.
 */
import type { Worker } from 'node:worker_threads';
import type { ExportBatch, ExportColumn } from '../../../lib/query/export/export-batch';
import { openThread, threadUrl } from '../../threads/supervised-thread';
import type { ExportEncoder } from './export-encoder';
import type { ParquetReply, ParquetRequest } from './parquet-messages';

interface Waiting {
  readonly resolve: (bytes: Uint8Array | null) => void;
  readonly reject: (error: Error) => void;
}

/** A thread and who waits for it. Once it has ended it is not used again. */
class ParquetThread {
  readonly #thread: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastFile = 0;
  #failure: Error | null = null;

  constructor(url: URL) {
    this.#thread = openThread(url, {});
    this.#thread.on('message', ({ file, bytes, failure }: ParquetReply) => {
      const waiting = this.#waiting.get(file);
      this.#waiting.delete(file);
      if (failure === null) waiting?.resolve(bytes);
      else waiting?.reject(new Error(failure));
    });
    this.#thread.on('error', (error) => {
      this.#fail(error);
    });
    this.#thread.on('exit', (code) => {
      this.#fail(new Error(`the thread that writes Parquet ended with code ${code}`));
    });
    // No reason to stay: whoever waits has a connection open.
    this.#thread.unref();
  }

  get hasEnded(): boolean {
    return this.#failure !== null;
  }

  open(columns: readonly ExportColumn[]): number {
    const file = ++this.#lastFile;
    const named = columns.map(({ name, type }) => ({ name, type }));
    this.#send({ kind: 'open', file, columns: named });
    return file;
  }

  /** Throws  what was wrong with the file, or what the thread died of */
  ask(
    request: ParquetRequest & { readonly kind: 'batch' | 'end' },
    transferred: readonly ArrayBuffer[] = [],
  ): Promise<Uint8Array | null> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure);
        return;
      }
      this.#waiting.set(request.file, { resolve, reject });
      this.#send(request, transferred);
    });
  }

  close(file: number): void {
    this.#send({ kind: 'close', file });
  }

  #send(request: ParquetRequest, transferred: readonly ArrayBuffer[] = []): void {
    this.#thread.postMessage(request, transferred);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

let shared: ParquetThread | null = null;

/** Throws  from `encode` and `end`, what was wrong or what the thread died of */
export function openParquetEncoder(columns: readonly ExportColumn[]): ExportEncoder {
  if (shared?.hasEnded !== false) {
    shared = new ParquetThread(threadUrl('api/export/parquet-thread'));
  }
  const thread = shared;
  const file = thread.open(columns);
  return {
    begin: () => null,
    async *encode(batch) {
      const bytes = await thread.ask({ kind: 'batch', file, batch }, buffersOf(batch));
      if (bytes !== null) yield bytes;
    },
    end: () => thread.ask({ kind: 'end', file }),
    close() {
      thread.close(file);
    },
  };
}

/** Of the columns that need not be copied. */
function buffersOf({ cells }: ExportBatch): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const column of cells) {
    if (column.kind === 'list') continue;
    const { buffer } = column.values;
    if (buffer instanceof ArrayBuffer) buffers.add(buffer);
  }
  return [...buffers];
}
