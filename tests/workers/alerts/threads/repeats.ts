/** Says what it is told; dies when it is told of a run named `dies`. */
import { parentPort } from 'node:worker_threads';

parentPort?.postMessage({ kind: 'ready' });
parentPort?.on('message', (request: { readonly kind: string; readonly runKey?: string }) => {
  if (request.runKey === 'dies') throw new Error('died at work');
  parentPort?.postMessage({ kind: 'log', level: 'info', fields: request, message: 'told' });
  if (request.kind === 'close') parentPort?.close();
});
