import { afterAll, describe, expect, it } from 'vitest';
import { loadWebgpu } from '@/workers/accelerator/load-webgpu';
import type { StatisticsBackend } from '@/workers/accelerator/statistics-backend';
import { createTensorBackend } from '@/workers/accelerator/tensor-backend';
import { type TestOnBackend, describeBackend } from './backend-laws';
import { describeShapes } from './shape-laws';

/** Asked for by name: a machine may have a card without a driver, and continuous integration has none. */
const IS_ASKED_FOR = process.env['TEST_GRAPHICS_CARD'] === '1';
const itOnCard: TestOnBackend = (title, test, timeoutMs) => {
  if (IS_ASKED_FOR) it(title, test, timeoutMs);
  else it.skip(`${title}: TEST_GRAPHICS_CARD=1 runs it on this machine’s card`, () => undefined);
};

describe('the operations on this machine’s graphics card', () => {
  let loading: Promise<StatisticsBackend> | null = null;
  const backend = () => (loading ??= loadWebgpu().then((device) => createTensorBackend(device)));

  afterAll(async () => {
    if (loading !== null) (await loading).dispose();
  });

  itOnCard('is a card, and no software', async () => {
    expect((await backend()).isSoftware).toBe(false);
  });

  describeBackend(backend, { test: itOnCard });
  // Hulls are sequential work: a dip takes a card as long as it takes an emulated one.
  describeShapes(backend, { test: itOnCard, isEmulated: true });
});
