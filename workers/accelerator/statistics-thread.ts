/** The thread that computes statistics of raw samples; started with a BackendChoice. */
import { parentPort, workerData } from 'node:worker_threads';
import { chooseBackend } from './choose-backend';
import { serveStatistics } from './serve-statistics';
import { BACKEND_CHOICES } from './statistics-backend';

const asked: unknown = workerData;
const choice = BACKEND_CHOICES.find((name) => name === asked);
if (parentPort === null || choice === undefined) {
  throw new Error(`expected to be a thread with a statistics backend, got ${String(asked)}`);
}
serveStatistics(parentPort, () => chooseBackend(choice));
