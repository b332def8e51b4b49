import { afterAll, describe, expect } from 'vitest';
import { computeFrameStatistics } from '@/lib/stats/frame-statistics';
import { compareStatistics } from '@/workers/accelerator/compare-statistics';
import { loadWebgpu } from '@/workers/accelerator/load-webgpu';
import type { StatisticsBackend } from '@/workers/accelerator/statistics-backend';
import type { TensorDevice } from '@/workers/accelerator/tensor-library';
import { createTensorBackend } from '@/workers/accelerator/tensor-backend';
import { describeBackend } from './backend-laws';
import { randomInput } from './sample-inputs';
import { describeShapes } from './shape-laws';
import { itOnSwiftShader } from './software-vulkan';

describe('the operations on WebGPU, in software', () => {
  let loading: Promise<{ device: TensorDevice; backend: StatisticsBackend }> | null = null;
  const load = () =>
    (loading ??= loadWebgpu().then((device) => ({ device, backend: createTensorBackend(device) })));

  afterAll(async () => {
    if (loading !== null) (await loading).backend.dispose();
  });

  itOnSwiftShader('knows the device for software', async () => {
    const { device } = await load();
    expect(device.isSoftware).toBe(true);
    expect(device.device.toLowerCase()).toContain('swiftshader');
  });

  describeBackend(async () => (await load()).backend, { test: itOnSwiftShader });
  describeShapes(async () => (await load()).backend, { test: itOnSwiftShader, isEmulated: true });

  itOnSwiftShader('throws where the device reports a fault and leaves zeros behind', async () => {
    const { device, backend } = await load();
    const { samples } = device;
    if (samples.kind !== 'program') throw new Error('expected a program of its own');
    // One operation, with more numbers than a buffer may hold: WebGPU returns and says nothing.
    const program = {
      ...samples.program,
      begin: (...asked: Parameters<typeof samples.program.begin>) => {
        device.tf.fill([2 ** 29], 1).dispose();
        return samples.program.begin(...asked);
      },
    };
    const faulty = createTensorBackend({ ...device, samples: { kind: 'program', program } });
    await expect(faulty.compute(randomInput(2, 8))).rejects.toThrow(/swiftshader/i);
    await expect(backend.compute(randomInput(2, 8))).resolves.toBeDefined();
  });

  itOnSwiftShader('computes a frame of more parts than may be under way at once', async () => {
    const { device, backend } = await load();
    const { samples } = device;
    if (samples.kind !== 'program') throw new Error('expected a program of its own');
    // Seven parts, the last of them smaller; four may be under way.
    const program = { ...samples.program, maxCoordinates: 3 * 64 };
    const inParts = createTensorBackend({ ...device, samples: { kind: 'program', program } });
    const input = randomInput(20, 64);
    expect(await inParts.compute(input)).toEqual(await backend.compute(input));
    expect(
      compareStatistics(input, computeFrameStatistics(input), await inParts.compute(input)),
    ).toEqual([]);
  });
});
