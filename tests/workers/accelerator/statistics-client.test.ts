import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterEach, describe, expect, it } from 'vitest';
import { computeHistogramShapes } from '@/lib/stats/histogram-shapes';
import type { StatisticsClientOptions } from '@/workers/accelerator/client-options';
import { computeFrameHere } from '@/workers/accelerator/compute-frame';
import { compareStatistics } from '@/workers/accelerator/compare-statistics';
import {
  type StatisticsClient,
  createStatisticsClient,
} from '@/workers/accelerator/statistics-client';
import { randomInput } from './sample-inputs';
import { randomShapes } from './shape-inputs';
import { itOnSwiftShader } from './software-vulkan';

const clients: StatisticsClient[] = [];
afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));

function startClient(options: Partial<StatisticsClientOptions> = {}) {
  const logged: { level: 'info' | 'warn'; facts: object; message: string }[] = [];
  const log = (level: 'info' | 'warn') => (facts: object, message: string) => {
    logged.push({ level, facts, message });
  };
  const client = createStatisticsClient({
    choice: 'cpu',
    logger: { info: log('info'), warn: log('warn') },
    ...options,
  });
  clients.push(client);
  return { client, logged };
}

const threadUrl = (name: string) => new URL(`./threads/${name}.ts`, import.meta.url);
const input = randomInput(3, 50);

async function expectReference(client: StatisticsClient): Promise<void> {
  const actual = await client.compute(input);
  expect(compareStatistics(input, computeFrameHere(input), actual)).toEqual([]);
}

describe('the statistics client', () => {
  it('computes in its thread what the single pass computes here', async () => {
    const { client, logged } = startClient();
    expect(client.status().backend).toBeNull();
    // The thread still starts: nobody waits for it.
    await expectReference(client);
    await client.ready;
    expect(logged).toEqual([
      {
        level: 'info',
        facts: { backend: 'cpu', device: 'one core' },
        message: 'statistics backend',
      },
      {
        level: 'info',
        facts: { backend: 'cpu', reason: 'no accelerator is in use' },
        message: 'statistics backend of histograms',
      },
    ]);
    const computing = client.compute(input);
    expect(client.status()).toMatchObject({ queuedFrames: 1, queuedBytes: 3 * 50 * 4 * 4 });
    expect(compareStatistics(input, computeFrameHere(input), await computing)).toEqual([]);
    expect(client.status()).toMatchObject({ backend: 'cpu', queuedFrames: 0, queuedBytes: 0 });
    // What was given is still there: it was copied.
    expect(input.gradient.length).toBe(150);
  });

  it('keeps frames apart that wait together', async () => {
    const { client } = startClient();
    await client.ready;
    const inputs = [1, 2, 3, 4, 5].map((layers) => randomInput(layers, 20 * layers));
    const all = await Promise.all(inputs.map((each) => client.compute(each)));
    inputs.forEach((each, index) => {
      expect(compareStatistics(each, computeFrameHere(each), all[index]!)).toEqual([]);
    });
  });

  it('says what is wrong with a wrong frame, and goes on', async () => {
    const { client } = startClient();
    await client.ready;
    const wrong = { ...input, firstMoment: new Float32Array(3) };
    await expect(client.compute(wrong)).rejects.toThrow('firstMoment: expected 150 values, got 3');
    const wrongCounts = { ...input, parameterCounts: [1] };
    await expect(client.compute(wrongCounts)).rejects.toThrow('parameterCounts: expected 3, got 1');
    await expectReference(client);
  });

  it('has no room once more waits than its queue may hold', async () => {
    const { client } = startClient({ maxQueuedBytes: 1000 });
    await client.ready;
    client.checkRoom();
    const computing = client.compute(input);
    expect(() => client.checkRoom()).toThrow(
      expect.objectContaining({ code: 'writer_saturated', retryAfterSeconds: 1 }),
    );
    await computing;
    client.checkRoom();
  });

  it('warns of a backend that was asked for and cannot be had', async () => {
    const { client, logged } = startClient({ choice: 'tensorflow' });
    await client.ready;
    expect(logged[0]).toMatchObject({
      level: 'warn',
      facts: { backend: 'tensorflow', reason: expect.stringContaining('did not load') },
    });
    expect(client.status().backend).toBe('cpu');
    await expectReference(client);
  });

  it('loses no frame when the thread dies, and goes on with another on the single pass', async () => {
    const { client, logged } = startClient({
      choice: 'webgpu',
      threadUrl: threadUrl('dies-at-work'),
    });
    await client.ready;
    expect(client.status().backend).toBe('webgpu');
    await Promise.all([expectReference(client), expectReference(client)]);
    expect(client.status()).toMatchObject({ backend: 'cpu', fallbackCount: 1, queuedFrames: 0 });
    expect(logged.filter(({ level }) => level === 'warn')).toEqual([
      {
        level: 'warn',
        facts: { backend: 'webgpu', reason: 'it ended with code 139', waitingFrames: 2 },
        message: 'statistics thread died; another one takes over on the single pass',
      },
    ]);
  });

  it('gives up a thread that does not answer', async () => {
    const { client, logged } = startClient({
      choice: 'webgpu',
      threadUrl: threadUrl('goes-silent'),
      // The one that takes over has this long too, on a busy machine.
      answerTimeoutMs: 5_000,
    });
    await client.ready;
    await expectReference(client);
    expect(client.status()).toMatchObject({ backend: 'cpu', fallbackCount: 1 });
    expect(logged.at(-1)?.message).toBe('statistics backend of histograms');
    expect(logged.some(({ facts }) => JSON.stringify(facts).includes('no answer for 5 s'))).toBe(
      true,
    );
  });

  it('computes by itself where no thread can start', async () => {
    const { client, logged } = startClient({ threadUrl: threadUrl('never-starts') });
    await client.ready;
    await expectReference(client);
    expect(client.status()).toMatchObject({ device: 'the worker itself', fallbackCount: 1 });
    expect(logged.at(-1)?.facts).toMatchObject({ reason: 'this thread has nothing to run on' });
  });

  it('computes the shapes of histograms among the frames, in room of their own', async () => {
    const { client } = startClient({ maxQueuedBytes: 0 });
    await client.ready;
    const shapes = randomShapes(3, 8);
    const computing = [client.computeShapes(shapes), client.compute(input)] as const;
    expect(client.status().queuedBytes).toBe(3 * 50 * 4 * 4);
    expect(await computing[0]).toEqual(computeHistogramShapes(shapes));
    expect(compareStatistics(input, computeFrameHere(input), await computing[1])).toEqual([]);
    expect(shapes.counts.length).toBe(24);
    const wrong = { ...shapes, outside: new Uint32Array(3) };
    await expect(client.computeShapes(wrong)).rejects.toThrow('and 12 outside, got 24 and 3');
  });

  it('finishes what is under way before it closes', async () => {
    const { client } = startClient();
    await client.ready;
    const computing = client.compute(input);
    await client.close();
    expect((await computing).layerMetrics.size).toBe(18);
  });

  it('finds its thread beside the bundle of another folder', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'spikescope-bundle-'));
    try {
      await build({
        entryPoints: {
          'ingest/server': 'workers/accelerator/statistics-client.ts',
          'accelerator/statistics-thread': 'workers/accelerator/statistics-thread.ts',
        },
        outdir: directory,
        outExtension: { '.js': '.mjs' },
        bundle: true,
        format: 'esm',
        platform: 'node',
        packages: 'external',
      });
      const bundle = (await import(
        /* @vite-ignore */ pathToFileURL(join(directory, 'ingest/server.mjs')).href
      )) as { createStatisticsClient: typeof createStatisticsClient };
      const warnings: unknown[] = [];
      const client = bundle.createStatisticsClient({
        choice: 'cpu',
        logger: { info: () => undefined, warn: (facts) => warnings.push(facts) },
      });
      clients.push(client);
      await client.ready;
      await expectReference(client);
      expect([client.status().device, warnings]).toEqual(['one core', []]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  itOnSwiftShader(
    'computes on WebGPU in a thread, and closes it with its device',
    async () => {
      const { client } = startClient({ choice: 'webgpu' });
      await client.ready;
      await expectReference(client);
      expect(client.status()).toMatchObject({ backend: 'webgpu', hostRowCount: 0 });
    },
    60_000,
  );
});
