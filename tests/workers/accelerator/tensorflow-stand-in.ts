/**
 * What stands in for @tensorflow/tfjs-node-gpu where its native library cannot be had: a
 * backend `tensorflow` that computes on the processor, with the kernels that the package
 * registers and no other. All else of the way is the product's own.
 */
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { TENSORFLOW_KERNELS } from './tensorflow-kernels';

export interface StandInOptions {
  readonly isUsingGpuDevice?: boolean;
  /** Called before each kernel with its name; what it throws is thrown. */
  readonly beforeKernel?: (name: string) => void;
}

class TensorflowStandIn extends MathBackendCPU {
  constructor(readonly isUsingGpuDevice: boolean) {
    super();
  }
}

/** Loads as the package does: it asks `util` for what Node 23 removed, then registers itself. */
export function loadStandIn({
  isUsingGpuDevice = false,
  beforeKernel = () => undefined,
}: StandInOptions = {}): Promise<unknown> {
  return Promise.resolve().then(() => register(isUsingGpuDevice, beforeKernel));
}

function register(isUsingGpuDevice: boolean, beforeKernel: (name: string) => void): void {
  const isNullOrUndefined: unknown = Reflect.get(util, 'isNullOrUndefined');
  if (typeof isNullOrUndefined !== 'function') {
    throw new TypeError('isNullOrUndefined is not a function');
  }
  if (tf.findBackendFactory('tensorflow') !== null) tf.removeBackend('tensorflow');
  tf.registerBackend('tensorflow', () => new TensorflowStandIn(isUsingGpuDevice));
  for (const name of TENSORFLOW_KERNELS) {
    const kernel = tf.getKernel(name, 'cpu');
    if (kernel === undefined) continue;
    if (tf.getKernel(name, 'tensorflow') !== undefined) tf.unregisterKernel(name, 'tensorflow');
    tf.registerKernel({
      ...kernel,
      backendName: 'tensorflow',
      kernelFunc: (call) => {
        beforeKernel(name);
        return kernel.kernelFunc(call);
      },
    });
  }
}
