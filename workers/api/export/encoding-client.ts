/**
 * Files written in a thread, one for all exports: a group of Parquet's rows takes 50 to 200 ms, a
 * batch as text 20, during which nobody else would be answered. It starts with the first export.
 * Of each file one batch is on its way at a time.
 */
import type { Worker } from 'node:worker_threads';
import type { ExportFormat } from '../../../lib/contract/exports';
import type { ExportBatch, ExportColumn } from '../../../lib/query/export/export-batch';
import { openThread, threadUrl } from '../../threads/supervised-thread';
import type { EncodingReply, EncodingRequest } from './encoding-messages';

interface Waiting {
  readonly resolve: (bytes: Uint8Array | null) => void;
  readonly reject: (error: Error) => void;
}

/** A thread and who waits for it. Once it has ended it is not used again. */
class EncodingThread {
  readonly #thread: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastFile = 0;
  #failure: Error | null = null;

  constructor(url: URL) {
    this.#thread = openThread(url, {});
    this.#thread.on('message', ({ file, bytes, failure }: EncodingReply) => {
      const waiting = this.#waiting.get(file);
      this.#waiting.delete(file);
      if (failure === null) waiting?.resolve(bytes);
      else waiting?.reject(new Error(failure));
    });
    this.#thread.on('error', (error) => {
      this.#fail(error);
    });
    this.#thread.on('exit', (code) => {
      this.#fail(new Error(`the thread that writes exports ended with code ${code}`));
    });
    // No reason to stay: whoever waits has a connection open.
    this.#thread.unref();
  }

  get hasEnded(): boolean {
    return this.#failure !== null;
  }

  open(format: ExportFormat, columns: readonly ExportColumn[]): number {
    const file = ++this.#lastFile;
    const named = columns.map(({ name, type }) => ({ name, type }));
    this.#send({ kind: 'open', file, format, columns: named });
    return file;
  }

  /** Throws  what was wrong with the file, or what the thread died of */
  ask(
    request: EncodingRequest & { readonly kind: 'batch' | 'end' },
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

  #send(request: EncodingRequest, transferred: readonly ArrayBuffer[] = []): void {
    this.#thread.postMessage(request, transferred);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

let shared: EncodingThread | null = null;

export interface ExportEncoder {
  /** The batch is the encoder's from then on. */
  encode(batch: ExportBatch): Promise<Uint8Array | null>;
  /** What is still held back, and the end of the file. */
  end(): Promise<Uint8Array | null>;
  /** To be called at the end, whatever came of it. */
  close(): void;
}

/** Throws  from `encode` and `end`, what was wrong or what the thread died of */
export function openEncoder(format: ExportFormat, columns: readonly ExportColumn[]): ExportEncoder {
  if (shared?.hasEnded !== false) {
    shared = new EncodingThread(threadUrl('api/export/encoding-thread'));
  }
  const thread = shared;
  const file = thread.open(format, columns);
  return {
    encode: (batch) => thread.ask({ kind: 'batch', file, batch }, buffersOf(batch)),
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
