/** Runs until it is told of a post. */
import { parentPort } from 'node:worker_threads';

parentPort?.postMessage({ kind: 'ready' });
parentPort?.on('message', ({ kind }: { readonly kind: string }) => {
  if (kind === 'stored') throw new Error('died at work');
  parentPort?.close();
});
