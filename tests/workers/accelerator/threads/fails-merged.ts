/** A thread that answers every request for more than two layers with a failure. */
import { parentPort } from 'node:worker_threads';
import { computeFrameHere } from '../../../../workers/accelerator/compute-frame';
import type { ThreadReply, ThreadRequest } from '../../../../workers/accelerator/thread-messages';

const port = parentPort;
function reply(message: ThreadReply): void {
  port?.postMessage(message);
}
reply({
  kind: 'ready',
  backend: 'webgpu',
  device: 'a small card',
  shapes: { backend: 'webgpu', reason: 'it is said to be faster' },
  passedOver: [],
});
port?.on('message', (request: ThreadRequest) => {
  switch (request.kind) {
    case 'close':
      port.close();
      break;
    case 'compute': {
      const { id, options, slab } = request;
      const length = options.layerCount * options.sampleCount;
      const column = (index: number) => new Float32Array(slab, index * length * 4, length);
      if (options.layerCount > 2) {
        reply({ kind: 'failed', id, message: `${options.layerCount} layers are too many`, slab });
        break;
      }
      const statistics = computeFrameHere({
        ...options,
        gradient: column(0),
        firstMoment: column(1),
        secondMoment: column(2),
        previousGradient: request.hasPrevious ? column(3) : null,
      });
      reply({ kind: 'computed', id, statistics, hostRowCount: 0, slab });
      break;
    }
    default:
      break;
  }
});
