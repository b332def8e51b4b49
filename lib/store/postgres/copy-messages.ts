/**
 * The server's messages during a read, taken off the socket before node-postgres sees them.
 * Its parser grows a new buffer for each message that comes in pieces, and makes an object
 * and an event of each row: half of what a read of a thousand rows took. All that is neither
 * a row nor says that a command is complete goes on to it, so that it knows where the
 * connection stands.
 *
 * Source: postgresql.org, "Message Formats".
 */
import type { Connection } from 'pg';
import { takeBytes, type TakeBytes } from './reading-socket';

/** Type and length, which counts itself. */
const HEAD_BYTES = 5;
const COPY_OUT_RESPONSE = 0x48;
const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
const DATA_ROW = 0x44;
const PARSE_COMPLETE = 0x31;
const BIND_COMPLETE = 0x32;
const COMMAND_COMPLETE = 0x43;
const READY_FOR_QUERY = 0x5a;

const FIRST_BYTES = 64 * 1024;
/** What a larger message needed is given back. */
const KEPT_BYTES = 4 * 1024 * 1024;

export interface RowMessages {
  /** CopyData, or DataRow of a statement that is no COPY. */
  readonly rowType: 'copy' | 'data';
  /** A row's payload: `buffer` from `start` to `end`; valid during the call. */
  onRow(buffer: Buffer, start: number, end: number): void;
  onCommandComplete(): void;
}

const taps = new WeakMap<Connection, ConnectionTap>();

/** Gives `messages` what arrives until the server is ready for the next query. */
export function takeMessages(connection: Connection, messages: RowMessages): void {
  const tap = taps.get(connection) ?? new ConnectionTap(connection);
  taps.set(connection, tap);
  tap.take(messages);
}

/** Stands between a connection's socket and node-postgres from the first read on. */
class ConnectionTap {
  readonly #passOn: TakeBytes;
  #messages: RowMessages | null = null;
  /** A message that comes in pieces is put together here. */
  #partial = Buffer.allocUnsafe(FIRST_BYTES);
  #filled = 0;

  constructor({ stream }: Connection) {
    const passOn = takeBytes(stream, (chunk) => {
      this.#split(chunk);
    });
    // What is passed on may be kept, and the bytes lie where the next ones will.
    this.#passOn = (bytes) => {
      passOn(Buffer.from(bytes));
    };
  }

  take(messages: RowMessages): void {
    this.#messages = messages;
  }

  #split(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#messages === null) {
        this.#passOn(chunk.subarray(at));
        return;
      }
      if (this.#filled > 0) {
        at += this.#complete(chunk, at);
        continue;
      }
      const isHeadThere = at + HEAD_BYTES <= chunk.length;
      const end = isHeadThere ? at + 1 + chunk.readUInt32BE(at + 1) : Infinity;
      if (end > chunk.length) {
        this.#fill(chunk, at, chunk.length - at);
        return;
      }
      this.#handle(chunk, at, end);
      at = end;
    }
  }

  /** Goes on with the message that is being put together; returns how many bytes were taken. */
  #complete(chunk: Buffer, from: number): number {
    let at = from;
    if (this.#filled < HEAD_BYTES) at += this.#fill(chunk, at, HEAD_BYTES);
    if (this.#filled < HEAD_BYTES) return at - from;
    const length = 1 + this.#partial.readUInt32BE(1);
    at += this.#fill(chunk, at, length);
    if (this.#filled === length) {
      this.#filled = 0;
      this.#handle(this.#partial, 0, length);
      if (this.#partial.length > KEPT_BYTES) this.#partial = Buffer.allocUnsafe(FIRST_BYTES);
    }
    return at - from;
  }

  #fill(chunk: Buffer, from: number, upTo: number): number {
    const count = Math.min(upTo - this.#filled, chunk.length - from);
    if (upTo > this.#partial.length) {
      const larger = Buffer.allocUnsafe(Math.max(upTo, this.#partial.length * 2));
      this.#partial.copy(larger, 0, 0, this.#filled);
      this.#partial = larger;
    }
    chunk.copy(this.#partial, this.#filled, from, from + count);
    this.#filled += count;
    return count;
  }

  #handle(buffer: Buffer, start: number, end: number): void {
    switch (buffer[start]) {
      case COPY_DATA:
        this.#messages?.onRow(buffer, start + HEAD_BYTES, end);
        break;
      case DATA_ROW:
        if (this.#messages?.rowType === 'data') {
          this.#messages.onRow(buffer, start + HEAD_BYTES, end);
        } else this.#passOn(buffer.subarray(start, end));
        break;
      case COMMAND_COMPLETE:
        this.#messages?.onCommandComplete();
        break;
      case COPY_OUT_RESPONSE:
      case COPY_DONE:
      case PARSE_COMPLETE:
      case BIND_COMPLETE:
        break;
      case READY_FOR_QUERY:
        // The next query may be sent while this is passed on.
        this.#messages = null;
        this.#passOn(buffer.subarray(start, end));
        break;
      default:
        this.#passOn(buffer.subarray(start, end));
    }
  }
}
