import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { restoreNodeUtil } from './restore-node-util';
import type { TensorDevice } from './tensor-library';
import { toTensorDevice } from './integer-device';

/** Optional: its installer downloads TensorFlow, which a closed network forbids. */
const PACKAGE = '@tensorflow/tfjs-node-gpu';

/** Its installer puts it into a folder that is named after the version of Node's interface. */
const LIBRARY = 'tfjs_binding.node';

/**
 * TensorFlow itself, on CUDA where it finds it. `load` is a parameter so that its failure
 * can be had without the package's.
 *
 * Throws Error where the package is not installed or its library does not load
 */
export async function loadTensorflow(
  load: (name: string) => Promise<unknown> = loadPackage,
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

/**
 * The package finds out that its library is missing when it has loaded all of tfjs: more
 * than half a second of a core at each start, and 90 MB that the thread would keep.
 */
async function loadPackage(name: string): Promise<unknown> {
  const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  if (!hasLibrary(folder)) throw new Error(`${name} is installed without its library`);
  return import(name);
}

/** Whether the package's installer could fetch its native library. */
export function hasLibrary(packageFolder: string): boolean {
  const folder = join(packageFolder, 'lib');
  if (!existsSync(folder)) return false;
  return readdirSync(folder).some((version) => existsSync(join(folder, version, LIBRARY)));
}
