/** A thread that starts and then never answers: a driver that hangs. The next one works. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadReply } from '../../../../workers/accelerator/thread-messages';

if (workerData === 'cpu') await import('../../../../workers/accelerator/statistics-thread');
else {
  const ready: ThreadReply = {
    kind: 'ready',
    backend: 'webgpu',
    device: 'a card that hangs',
    shapes: { backend: 'webgpu', reason: 'it is said to be faster' },
    passedOver: [],
  };
  parentPort?.postMessage(ready);
  parentPort?.on('message', () => undefined);
}
