/** An accelerator that is the single pass by another name; it counts each call as a row left to the host. */
import { parentPort } from 'node:worker_threads';
import { computeFrameStatistics } from '../../../../lib/stats/frame-statistics';
import { serveStatistics } from '../../../../workers/accelerator/serve-statistics';
import { cpuBackend } from '../../../../workers/accelerator/cpu-backend';

let calls = 0;
if (parentPort !== null) {
  serveStatistics(parentPort, () =>
    Promise.resolve({
      backend: {
        ...cpuBackend,
        name: 'webgpu' as const,
        device: 'a card that counts',
        compute: (input) => {
          calls++;
          return Promise.resolve(computeFrameStatistics(input));
        },
        status: () => ({ tensorCount: 0, deviceBytes: 0, hostRowCount: calls }),
      },
      shapes: { backend: 'cpu' as const, reason: 'it is said to be faster' },
      passedOver: [],
    }),
  );
}
