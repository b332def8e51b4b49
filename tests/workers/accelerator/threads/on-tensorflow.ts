/** A thread whose TensorFlow is the stand-in; with `tensorflow`, it fails after the self-test. */
import { parentPort, workerData } from 'node:worker_threads';
import { chooseBackend } from '../../../../workers/accelerator/choose-backend';
import { loadTensorflow } from '../../../../workers/accelerator/load-tensorflow';
import { serveStatistics } from '../../../../workers/accelerator/serve-statistics';
import { loadStandIn } from '../tensorflow-stand-in';

let isBroken = false;
const load = () =>
  loadStandIn({
    isUsingGpuDevice: true,
    beforeKernel: () => {
      if (isBroken) throw new Error('CUDA_ERROR_ILLEGAL_ADDRESS');
    },
  });
const loaders = {
  tensorflow: () => loadTensorflow(load),
  webgpu: () => Promise.reject(new Error('no graphics adapter')),
};
if (parentPort === null) throw new Error('expected to be a thread');
serveStatistics(parentPort, async () => {
  const chosen = await chooseBackend(workerData === 'cpu' ? 'cpu' : 'auto', loaders);
  isBroken = workerData === 'tensorflow';
  return chosen;
});
