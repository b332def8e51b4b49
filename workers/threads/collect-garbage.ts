import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Collects at once what this thread no longer holds. The engine collects when something is
 * allocated: a thread that has come to rest keeps the buffers of its last work until it
 * has work again. Stops this thread alone, for some milliseconds: call it at rest.
 */
export function collectGarbage(): void {
  // Node has `gc` only where its command line asks for it; contexts that are made from here on have it.
  setFlagsFromString('--expose-gc');
  runInNewContext('gc()');
}
