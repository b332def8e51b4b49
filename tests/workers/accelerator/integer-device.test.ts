import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe } from 'vitest';
import { toTensorDevice } from '@/workers/accelerator/integer-device';
import type { StatisticsBackend } from '@/workers/accelerator/statistics-backend';
import { createTensorBackend } from '@/workers/accelerator/tensor-backend';
import { describeBackend } from './backend-laws';

// tfjs in plain JavaScript: its integers are exact like TensorFlow's, and it is always there.
describe('the operations on a backend with exact integers', () => {
  let backend: StatisticsBackend;

  beforeAll(async () => {
    await tf.setBackend('cpu');
    backend = createTensorBackend(
      toTensorDevice(tf, { name: 'tensorflow', device: 'tfjs in JavaScript', isSoftware: true }),
    );
  });

  describeBackend(() => Promise.resolve(backend));
});
