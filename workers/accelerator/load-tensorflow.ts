import { restoreNodeUtil } from './restore-node-util';
import type { TensorDevice } from './tensor-library';
import { toTensorDevice } from './integer-device';

/** Optional: its installer downloads TensorFlow, which a closed network forbids. */
const PACKAGE = '@tensorflow/tfjs-node-gpu';

/**
 * TensorFlow itself, on CUDA where it finds it. `load` is a parameter so that its failure
 * can be had without the package's.
 *
 * Throws Error where the package is not installed or its library does not load
 */
export async function loadTensorflow(
  load: (name: string) => Promise<unknown> = (name) => import(name),
): Promise<TensorDevice> {
  restoreNodeUtil();
  await load(PACKAGE);
  const tf = await import('@tensorflow/tfjs-core');
  if (!(await tf.setBackend('tensorflow'))) throw new Error(`${PACKAGE} did not start`);
  // Without CUDA the same library computes on the processor.
  const isOnGpu = Reflect.get(tf.backend(), 'isUsingGpuDevice') === true;
  return toTensorDevice(tf, {
    name: 'tensorflow',
    device: isOnGpu ? 'TensorFlow on CUDA' : 'TensorFlow without CUDA',
    isSoftware: !isOnGpu,
  });
}
