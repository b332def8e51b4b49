import { once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { computeFrameHere } from '@/workers/accelerator/compute-frame';
import { compareStatistics } from '@/workers/accelerator/compare-statistics';
import { serveStatistics } from '@/workers/accelerator/serve-statistics';
import type { StatisticsBackend } from '@/workers/accelerator/statistics-backend';
import type { ThreadReply, ThreadRequest } from '@/workers/accelerator/thread-messages';
import { randomInput } from './sample-inputs';

const ports: MessagePort[] = [];
afterEach(() => ports.splice(0).forEach((port) => port.close()));

const input = randomInput(2, 30);
const { gradient, firstMoment, secondMoment, previousGradient, ...options } = input;

function aRequest(id: number): ThreadRequest & { slab: ArrayBuffer } {
  const columns = [gradient, firstMoment, secondMoment, previousGradient!];
  const slab = new ArrayBuffer(4 * gradient.byteLength);
  columns.forEach((values, i) => new Float32Array(slab).set(values, i * gradient.length));
  return { kind: 'compute', id, options, hasPrevious: true, slab };
}

function serve(backend: StatisticsBackend) {
  const { port1: ours, port2: theirs } = new MessageChannel();
  ports.push(ours);
  const replies: ThreadReply[] = [];
  ours.on('message', (reply: ThreadReply) => replies.push(reply));
  const shapes = { backend: backend.name, reason: 'it is said to be faster' };
  serveStatistics(theirs, () => Promise.resolve({ backend, shapes, passedOver: [] }));
  const receive = async (count: number): Promise<ThreadReply[]> => {
    while (replies.length < count) await once(ours, 'message');
    return replies;
  };
  return { ours, receive };
}

describe('the statistics thread', () => {
  it('leaves a backend that fails once, and loses no frame of it', async () => {
    let asked = 0;
    let isDisposed = false;
    const { ours, receive } = serve({
      name: 'webgpu',
      device: 'a card',
      isSoftware: false,
      compute: () => {
        asked++;
        return Promise.reject(new Error('device lost'));
      },
      computeShapes: () => Promise.reject(new Error('device lost')),
      status: () => ({ tensorCount: 0, deviceBytes: 0, hostRowCount: 3 }),
      dispose: () => (isDisposed = true),
    });
    for (const id of [7, 8]) {
      const request = aRequest(id);
      ours.postMessage(request, [request.slab]);
    }
    const [ready, fellBack, first, second] = await receive(4);
    expect(ready).toMatchObject({ kind: 'ready', backend: 'webgpu', device: 'a card' });
    expect(fellBack).toEqual({
      kind: 'fellBack',
      backend: 'cpu',
      device: 'one core',
      reason: 'webgpu on a card: device lost',
    });
    for (const [reply, id] of [[first, 7] as const, [second, 8] as const]) {
      if (reply?.kind !== 'computed') throw new Error(`expected statistics, got ${reply?.kind}`);
      expect([reply.id, reply.hostRowCount]).toEqual([id, 0]);
      expect(reply.slab.byteLength).toBe(4 * gradient.byteLength);
      expect(compareStatistics(input, computeFrameHere(input), reply.statistics)).toEqual([]);
    }
    expect([asked, isDisposed]).toEqual([1, true]);
  });
});
