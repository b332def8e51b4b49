/** A thread that dies of its first frame, as a driver's crash would have it; the next one works. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadReply } from '../../../../workers/accelerator/thread-messages';

if (workerData === 'cpu') await import('../../../../workers/accelerator/statistics-thread');
else {
  const ready: ThreadReply = {
    kind: 'ready',
    backend: 'webgpu',
    device: 'a card that breaks',
    shapes: { backend: 'webgpu', reason: 'it is said to be faster' },
    passedOver: [],
  };
  parentPort?.postMessage(ready);
  parentPort?.once('message', () => process.exit(139));
}
