/** Says nothing until it is asked to close. */
import { parentPort } from 'node:worker_threads';

parentPort?.on('message', () => {
  parentPort?.close();
});
