import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { type DeviceLoaders, chooseBackend } from '@/workers/accelerator/choose-backend';
import { toTensorDevice, uploadTo } from '@/workers/accelerator/integer-device';
import type { TensorDevice, UploadColumn } from '@/workers/accelerator/tensor-library';

beforeAll(() => tf.setBackend('cpu'));

function aDevice(overrides: Partial<TensorDevice> = {}): TensorDevice {
  const real = { name: 'tensorflow', device: 'a card', isSoftware: false } as const;
  return { ...toTensorDevice(tf, real), ...overrides };
}

function anUploadingDevice(upload: UploadColumn): TensorDevice {
  return aDevice({ samples: { kind: 'tensors', upload } });
}

const absent = () => Promise.reject(new Error('Cannot find package\nRequire stack: …'));
const loaders = (overrides: Partial<DeviceLoaders> = {}): DeviceLoaders => ({
  tensorflow: absent,
  webgpu: absent,
  ...overrides,
});

// Those that pass the self-test are timed as well, which takes tfjs on the processor seconds.
describe('chooseBackend', { timeout: 60_000 }, () => {
  it('takes the first device that loads and computes what it should', async () => {
    const { backend, passedOver } = await chooseBackend(
      'auto',
      loaders({ tensorflow: () => Promise.resolve(aDevice()) }),
    );
    expect([backend.name, backend.device]).toEqual(['tensorflow', 'a card']);
    expect(passedOver).toEqual([]);
  });

  it('falls back to the single pass where none loads, and says why without alarm', async () => {
    const { backend, passedOver } = await chooseBackend('auto', loaders());
    expect(backend.name).toBe('cpu');
    expect(passedOver.map(({ name }) => name)).toEqual(['tensorflow', 'webgpu']);
    expect(passedOver[0]).toEqual({
      name: 'tensorflow',
      reason: 'it did not load: Cannot find package',
      isFault: false,
    });
  });

  it('warns where a backend that was asked for does not load', async () => {
    const { backend, passedOver } = await chooseBackend('webgpu', loaders());
    expect(backend.name).toBe('cpu');
    expect(passedOver).toMatchObject([{ name: 'webgpu', isFault: true }]);
  });

  it('asks no device where the single pass was asked for', async () => {
    const never = () => Promise.reject(new Error('asked'));
    const { backend, passedOver } = await chooseBackend('cpu', loaders({ tensorflow: never }));
    expect([backend.name, passedOver]).toEqual(['cpu', []]);
  });

  it('passes over a software device unless it is asked for by name', async () => {
    const software = loaders({
      tensorflow: () => Promise.resolve(aDevice({ isSoftware: true, device: 'llvmpipe' })),
    });
    const { backend, passedOver } = await chooseBackend('auto', software);
    expect(backend.name).toBe('cpu');
    expect(passedOver[0]?.reason).toMatch(/llvmpipe is a software device.*=tensorflow/);
    expect(passedOver[0]?.isFault).toBe(false);
    expect((await chooseBackend('tensorflow', software)).backend.name).toBe('tensorflow');
  });

  it('passes over a device that returns other numbers', async () => {
    let isDisposed = false;
    const wrong = aDevice({
      tf: { ...tf, sqrt: ((x: tf.Tensor) => tf.mul(tf.sqrt(x), 1.001)) as typeof tf.sqrt },
      dispose: () => (isDisposed = true),
    });
    const { backend, passedOver } = await chooseBackend(
      'auto',
      loaders({ tensorflow: () => Promise.resolve(wrong) }),
    );
    expect(backend.name).toBe('cpu');
    expect(passedOver[0]).toMatchObject({ isFault: true });
    expect(passedOver[0]?.reason).toMatch(/self-test failed on a card: .* expected/);
    expect(isDisposed).toBe(true);
  });

  it('passes over a device that returns other numbers for bins, right as those of samples are', async () => {
    const wrong = aDevice({
      tf: {
        ...tf,
        // Asked for in the hulls of histograms alone: the second steepest, now and then.
        argMax: ((x: tf.Tensor, axis: number) =>
          tf.maximum(tf.argMax(x, axis), 1)) as typeof tf.argMax,
      },
    });
    const { backend, passedOver } = await chooseBackend(
      'auto',
      loaders({ tensorflow: () => Promise.resolve(wrong) }),
    );
    expect(backend.name).toBe('cpu');
    expect(passedOver[0]).toMatchObject({ isFault: true });
    expect(passedOver[0]?.reason).toMatch(
      /self-test failed on a card: histogram\/ratio: dip of row \d: expected/,
    );
  });

  it('says who measures histograms, and from what it was chosen', async () => {
    const { shapes } = await chooseBackend(
      'auto',
      loaders({ tensorflow: () => Promise.resolve(aDevice()) }),
    );
    expect(shapes.reason).toMatch(/took [\d.]+ ms in the single pass, \d+ [\d.]+ ms on a card/);
    expect((await chooseBackend('cpu', loaders())).shapes).toEqual({
      backend: 'cpu',
      reason: 'no accelerator is in use',
    });
  });

  it('passes over a device that leaves all the work to the host', async () => {
    const zeros = anUploadingDevice((values, rowCount) => ({
      ...uploadTo(tf)(values, rowCount),
      classes: tf.fill([rowCount, values.length / rowCount], 2),
    }));
    const { passedOver } = await chooseBackend(
      'tensorflow',
      loaders({ tensorflow: () => Promise.resolve(zeros) }),
    );
    expect(passedOver[0]?.reason).toMatch(/could not compute 7 of 7 ordinary layers/);
  });

  it('passes over a device that fails while it computes', async () => {
    const failing = anUploadingDevice(() => {
      throw new Error('out of memory');
    });
    const { backend, passedOver } = await chooseBackend(
      'tensorflow',
      loaders({ tensorflow: () => Promise.resolve(failing) }),
    );
    expect(backend.name).toBe('cpu');
    expect(passedOver[0]?.reason).toMatch(/self-test failed on a card: out of memory/);
  });
});
