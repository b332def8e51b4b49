/**
 * Sockets to the database that read into memory of their own, the same at every read. Node's
 * own reads take a new piece of 64 KB each: 60 of them for a heatmap of 1,000 × 1,000, whose
 * collection interrupted every fifth such read, and each passed through a stream's queue.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Bytes that are valid during the call alone. */
export type TakeBytes = (bytes: Buffer) => void;

/** A row of 1,000 layers × 64 steps is 200 KB; larger reads were no faster. */
const READ_BYTES = 256 * 1024;

const takers = new WeakMap<Duplex, TakeBytes>();

/** Emits `data` as any socket does, until somebody takes its bytes directly; TLS over it reads for itself. */
export function openReadingSocket(): Socket {
  // Not out of the shared pool, nor filled with zeros.
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const options = {
    allowHalfOpen: false,
    onread: {
      buffer,
      callback: (byteCount: number): boolean => {
        const bytes = buffer.subarray(0, byteCount);
        const take = takers.get(socket);
        if (take === undefined) socket.emit('data', Buffer.from(bytes));
        else take(bytes);
        return true;
      },
    },
  };
  const socket = new Socket(options);
  return socket;
}

/**
 * From now on everything that `stream` receives goes to `take` and to none of the listeners
 * that it had, which are returned.
 */
export function takeBytes(stream: Duplex, take: TakeBytes): TakeBytes {
  const listeners = stream.listeners('data');
  stream.removeAllListeners('data');
  // Where the stream is no socket of ours, and to keep it flowing where it is.
  stream.on('data', take);
  takers.set(stream, take);
  return (bytes) => {
    for (const listener of listeners) Reflect.apply(listener, stream, [bytes]);
  };
}
