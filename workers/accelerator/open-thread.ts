import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { BackendChoice } from './statistics-backend';

/** Beside this file in the sources, and in the folder beside the worker's bundle once built. */
const EXTENSION = extname(new URL(import.meta.url).pathname);
export const THREAD_URL = new URL(`../accelerator/statistics-thread${EXTENSION}`, import.meta.url);

export function openThread(url: URL, choice: BackendChoice): Worker {
  // The worker's own arguments watch over a process.
  const execArgv = ['--enable-source-maps'];
  if (!url.pathname.endsWith('.ts')) return new Worker(url, { workerData: choice, execArgv });
  // Sources: a thread does not inherit what loads them, and takes no loader for its entry.
  const load = `import('tsx/esm/api').then(({ register }) => (register(), import(${JSON.stringify(url.href)})))`;
  return new Worker(load, { eval: true, workerData: choice, execArgv });
}
