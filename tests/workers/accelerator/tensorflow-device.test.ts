import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { computeHistogramShapes } from '@/lib/stats/histogram-shapes';
import { chooseBackend } from '@/workers/accelerator/choose-backend';
import { loadTensorflow } from '@/workers/accelerator/load-tensorflow';
import { createStatisticsClient } from '@/workers/accelerator/statistics-client';
import type { StatisticsBackend } from '@/workers/accelerator/statistics-backend';
import { createTensorBackend } from '@/workers/accelerator/tensor-backend';
import { describeBackend } from './backend-laws';
import { randomInput } from './sample-inputs';
import { randomShapes } from './shape-inputs';
import { describeShapes } from './shape-laws';
import { loadStandIn } from './tensorflow-stand-in';

afterAll(() => {
  tf.removeBackend('tensorflow');
});

describe('TensorFlow with its native library stood in for', () => {
  let loading: Promise<StatisticsBackend> | null = null;
  const backend = () =>
    (loading ??= loadTensorflow(() => loadStandIn()).then((device) => createTensorBackend(device)));

  it('loads where Node has removed what the package asks util for', async () => {
    Reflect.deleteProperty(util, 'isNullOrUndefined');
    await expect(loadStandIn()).rejects.toThrow('isNullOrUndefined is not a function');
    const device = await loadTensorflow(() => loadStandIn());
    expect(device).toMatchObject({ name: 'tensorflow', device: 'TensorFlow without CUDA' });
    const restored = Reflect.get(util, 'isNullOrUndefined') as (value: unknown) => boolean;
    expect([null, undefined, 0, ''].map(restored)).toEqual([true, true, false, false]);
  });

  it('has the kernels of the package, and not those of tfjs that it lacks', async () => {
    await backend();
    expect(tf.getKernel('GatherV2', 'tensorflow')).toBeDefined();
    expect(tf.getKernel('SearchSorted', 'tensorflow')).toBeUndefined();
  });

  describeBackend(backend);
  describeShapes(backend);

  it('is chosen on CUDA, and without it only when it is asked for', async () => {
    const choose = (isUsingGpuDevice: boolean, choice: 'auto' | 'tensorflow') =>
      chooseBackend(choice, {
        tensorflow: () => loadTensorflow(() => loadStandIn({ isUsingGpuDevice })),
        webgpu: () => Promise.reject(new Error('no graphics adapter')),
      });
    expect((await choose(true, 'auto')).backend.device).toBe('TensorFlow on CUDA');
    const { backend: chosen, passedOver } = await choose(false, 'auto');
    expect(chosen.name).toBe('cpu');
    expect(passedOver[0]).toMatchObject({ name: 'tensorflow', isFault: false });
    expect((await choose(false, 'tensorflow')).backend.device).toBe('TensorFlow without CUDA');
  }, 60_000);
});

describe('the statistics thread on TensorFlow', () => {
  const start = (choice: 'auto' | 'tensorflow') => {
    const warnings: object[] = [];
    const client = createStatisticsClient({
      choice,
      logger: { info: () => undefined, warn: (facts) => warnings.push(facts) },
      threadUrl: new URL('./threads/on-tensorflow.ts', import.meta.url),
    });
    return { client, warnings };
  };
  const [input, shapes] = [randomInput(2, 64), randomShapes(2, 16)];

  it('computes samples and histograms there', async () => {
    const { client, warnings } = start('auto');
    await client.ready;
    expect(client.status()).toMatchObject({ backend: 'tensorflow', device: 'TensorFlow on CUDA' });
    const computed = await client.compute(input);
    expect(computed.histograms.get('ratio')?.counts.length).toBe(256);
    expect((await client.computeShapes(shapes)).get('dip')?.length).toBe(2);
    expect(client.status()).toMatchObject({ hostRowCount: 0, fallbackCount: 0 });
    expect(warnings).toEqual([]);
    await client.close();
  }, 60_000);

  it('goes on with the single pass where the library fails at work', async () => {
    const { client, warnings } = start('tensorflow');
    await client.ready;
    expect(client.status().backend).toBe('tensorflow');
    const [ofSamples, ofHistograms] = await Promise.all([
      client.compute(input),
      client.computeShapes(shapes),
    ]);
    expect(ofSamples.layerMetrics.get('rms')?.length).toBe(2);
    expect(ofHistograms).toEqual(computeHistogramShapes(shapes));
    expect(client.status()).toMatchObject({ backend: 'cpu', fallbackCount: 1 });
    expect(warnings).toEqual([
      { backend: 'cpu', reason: expect.stringContaining('CUDA_ERROR_ILLEGAL_ADDRESS') },
    ]);
    await client.close();
  }, 60_000);
});
