import { afterEach, describe, expect, it } from 'vitest';
import type { FrameStatisticsInput } from '@/lib/stats/frame-statistics';
import { computeFrameHere } from '@/workers/accelerator/compute-frame';
import { groupFrames } from '@/workers/accelerator/merge-frames';
import {
  type StatisticsClient,
  createStatisticsClient,
} from '@/workers/accelerator/statistics-client';
import type { FramePart } from '@/workers/accelerator/statistics-jobs';
import { randomInput } from './sample-inputs';

const clients: StatisticsClient[] = [];
afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));

async function startClient(thread: string, maxQueuedBytes?: number): Promise<StatisticsClient> {
  const client = createStatisticsClient({
    choice: 'webgpu',
    logger: { info: () => undefined, warn: () => undefined },
    threadUrl: new URL(`./threads/${thread}.ts`, import.meta.url),
    ...(maxQueuedBytes === undefined ? {} : { maxQueuedBytes }),
  });
  clients.push(client);
  await client.ready;
  return client;
}

const partOf = (input: FrameStatisticsInput): FramePart => ({
  input,
  resolve: () => undefined,
  reject: () => undefined,
});

describe('groupFrames', () => {
  it('puts frames of one family together, in their order', () => {
    const parts = [
      randomInput(1, 8),
      randomInput(2, 16),
      randomInput(3, 8),
      randomInput(4, 8, { beta2: 0.5 }),
      randomInput(5, 8, { epsilon: 1e-3 }),
      randomInput(6, 8, { previousGradient: null }),
      randomInput(7, 16),
    ].map(partOf);
    const layers = groupFrames(parts).map((group) => group.map(({ input }) => input.layerCount));
    expect(layers).toEqual([[1, 3], [2, 7], [4], [5], [6]]);
  });

  it('begins another group where a batch of the device is full', () => {
    const half = { ...randomInput(1, 1), layerCount: 2048, sampleCount: 1024 };
    const groups = groupFrames([half, half, half].map(partOf));
    expect(groups.map((group) => group.length)).toEqual([2, 1]);
  });
});

describe('small frames of posts that come together', () => {
  it('go to an accelerator in fewer calls, and get the same numbers', async () => {
    const client = await startClient('counts-calls');
    const inputs = Array.from({ length: 20 }, (_, index) => randomInput(1 + (index % 7), 64));
    const expected = inputs.map((input) => computeFrameHere(input));
    const computing = inputs.map((input) => client.compute(input));
    expect(client.status()).toMatchObject({ queuedFrames: 20, batchCount: 1 });
    expect(await Promise.all(computing)).toEqual(expected);
    // The first alone, and all the others while it is at work.
    expect(client.status()).toMatchObject({
      batchCount: 2,
      hostRowCount: 2,
      queuedFrames: 0,
      queuedBytes: 0,
    });
    // What was given is still there: it was copied.
    expect(computeFrameHere(inputs[19]!)).toEqual(expected[19]);
  });

  it('go in a call for each family', async () => {
    const client = await startClient('counts-calls');
    const inputs = Array.from({ length: 12 }, (_, index) =>
      randomInput(2, index % 2 === 0 ? 32 : 48, index % 3 === 0 ? { previousGradient: null } : {}),
    );
    const all = await Promise.all(inputs.map((input) => client.compute(input)));
    expect(all).toEqual(inputs.map((input) => computeFrameHere(input)));
    expect(client.status().batchCount).toBe(5);
  });

  it('do not hold up a frame that fills a device by itself', async () => {
    const client = await startClient('counts-calls');
    const small = randomInput(1, 8);
    const large = randomInput(16, 65_536);
    const computing = [small, small, small, large].map((input) => client.compute(input));
    expect(client.status().batchCount).toBe(2);
    await Promise.all(computing);
    expect(client.status().batchCount).toBe(3);
  });

  it('count in the room that the queue has, while they wait too', async () => {
    const client = await startClient('counts-calls', 1000);
    const input = randomInput(3, 50);
    const computing = [client.compute(input), client.compute(input), client.compute(input)];
    expect(client.status().queuedBytes).toBe(3 * 3 * 50 * 4 * 4);
    expect(() => client.checkRoom()).toThrow('3 frames of raw samples wait');
    await Promise.all(computing);
    client.checkRoom();
  });

  it('fail each for itself', async () => {
    const client = await startClient('fails-merged');
    const inputs = [randomInput(2, 8), randomInput(1, 8), randomInput(3, 8), randomInput(2, 8)];
    const outcomes = await Promise.allSettled(inputs.map((input) => client.compute(input)));
    expect(outcomes.map((outcome) => outcome.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(outcomes[2]).toMatchObject({ reason: new Error('3 layers are too many') });
    expect(outcomes[3]).toEqual({
      status: 'fulfilled',
      value: computeFrameHere(inputs[3]!),
    });
    expect(client.status()).toMatchObject({ queuedFrames: 0, queuedBytes: 0 });
  });

  it('are finished before the client closes', async () => {
    const client = await startClient('counts-calls');
    const input = randomInput(2, 8);
    const computing = Promise.all([client.compute(input), client.compute(input)]);
    await client.close();
    expect(await computing).toHaveLength(2);
  });
});
