import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { afterAll, beforeAll, describe } from 'vitest';
import { toTensorDevice } from '@/workers/accelerator/integer-device';
import { createTensorBackend } from '@/workers/accelerator/tensor-backend';
import { describeShapes } from './shape-laws';

describe('histograms on tfjs’s WebAssembly backend', () => {
  beforeAll(async () => {
    await tf.setBackend('wasm');
    await tf.ready();
  });
  afterAll(() => {
    tf.removeBackend('wasm');
  });

  const device = toTensorDevice(tf, { name: 'tensorflow', device: 'wasm', isSoftware: true });
  const backend = createTensorBackend(device);
  describeShapes(() => Promise.resolve(backend));
});
