/** What the machine itself allows: no design is faster than the slowest of these. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fdatasyncSync, openSync, closeSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadOrder, LoadResult } from './load';

const WRITE_BYTES = 4 * 1024 * 1024;
const COPY_BYTES = 64 * 1024 * 1024;

/** Bytes a second of writes of 4 MiB, each flushed to the disk before the next. */
export function measureSyncedWrites(directory: string, seconds: number): number {
  const file = path.join(directory, 'synced-writes');
  const chunk = Buffer.alloc(WRITE_BYTES, 7);
  const descriptor = openSync(file, 'w');
  const startMs = performance.now();
  let writtenBytes = 0;
  while (performance.now() - startMs < seconds * 1000) {
    writeSync(descriptor, chunk, 0, chunk.length, writtenBytes % (1024 * 1024 * 1024));
    fdatasyncSync(descriptor);
    writtenBytes += chunk.length;
  }
  const elapsedMs = performance.now() - startMs;
  closeSync(descriptor);
  rmSync(file);
  return (writtenBytes * 1000) / elapsedMs;
}

/** Bytes a second of copies between buffers that no cache holds. */
export function measureMemoryCopies(seconds: number): number {
  const source = Buffer.alloc(COPY_BYTES, 7);
  const target = Buffer.alloc(COPY_BYTES);
  const startMs = performance.now();
  let copiedBytes = 0;
  while (performance.now() - startMs < seconds * 1000) {
    source.copy(target);
    copiedBytes += source.length;
  }
  return (copiedBytes * 1000) / (performance.now() - startMs);
}

/** Starts a process of this folder that talks over an IPC channel. */
export function startHelper(name: string): ChildProcess {
  return spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL(`${name}.ts`, import.meta.url))],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
}

/** Runs an order in a load generator of its own. */
export async function runLoad(
  order: LoadOrder,
  generator = startHelper('load-generator'),
): Promise<LoadResult> {
  generator.send(order);
  const ended = once(generator, 'exit').then(([code]) => {
    throw new Error(`the load generator ended with ${String(code)}`);
  });
  const [result] = await Promise.race([once(generator, 'message'), ended]);
  ended.catch(() => undefined);
  return result;
}

/** The same posts to a server that reads them and does nothing else: one hop, no product. */
export async function measureLoopback(order: Omit<LoadOrder, 'url'>): Promise<LoadResult> {
  const sink = startHelper('sink-server');
  try {
    const [port] = await once(sink, 'message');
    return await runLoad({ ...order, url: `http://127.0.0.1:${String(port)}` });
  } finally {
    sink.kill();
  }
}
