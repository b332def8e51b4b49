/**
 * The statistics thread's side of the conversation: one request after the other, in their
 * order. A backend that fails once is not used again until the worker restarts; what it
 * was asked for is computed by the single pass.
 */
import type { MessagePort } from 'node:worker_threads';
import type { FrameStatistics, FrameStatisticsInput } from '../../lib/stats/frame-statistics';
import type { ChosenBackend } from './choose-backend';
import { computeFrame } from './compute-frame';
import { cpuBackend } from './cpu-backend';
import type { StatisticsBackend } from './statistics-backend';
import type { ThreadReply, ThreadRequest } from './thread-messages';

type ComputeRequest = Extract<ThreadRequest, { kind: 'compute' }>;
type ShapesRequest = Extract<ThreadRequest, { kind: 'computeShapes' }>;

interface Computed<T> {
  readonly result: T;
  readonly hostRowCount: number;
}

/** Answers until it is asked to close; a choice that throws ends the thread. */
export function serveStatistics(port: MessagePort, choose: () => Promise<ChosenBackend>): void {
  let backend: StatisticsBackend = cpuBackend;

  function reply(message: ThreadReply, transfer: ArrayBuffer[] = []): void {
    port.postMessage(message, transfer);
  }

  async function start(): Promise<void> {
    const chosen = await choose();
    backend = chosen.backend;
    const { name, device } = backend;
    const { shapes, passedOver } = chosen;
    reply({ kind: 'ready', backend: name, device, shapes, passedOver });
  }

  async function computeOrFallBack<T>(
    work: (on: StatisticsBackend) => Promise<T>,
  ): Promise<Computed<T>> {
    const asked = backend;
    const hostRowsBefore = asked.status().hostRowCount;
    try {
      const result = await work(asked);
      return { result, hostRowCount: asked.status().hostRowCount - hostRowsBefore };
    } catch (error) {
      // The single pass throws of its input alone, and would throw again.
      if (asked === cpuBackend) throw error;
      backend = cpuBackend;
      const { name, device } = cpuBackend;
      const reason = `${asked.name} on ${asked.device}: ${messageOf(error)}`;
      reply({ kind: 'fellBack', backend: name, device, reason });
      asked.dispose();
      // Of a backend that fell back no row is its own.
      return { result: await work(cpuBackend), hostRowCount: 0 };
    }
  }

  async function compute(request: ComputeRequest): Promise<void> {
    const { id, slab } = request;
    try {
      const input = toInput(request);
      const { result, hostRowCount } = await computeOrFallBack((on) => computeFrame(on, input));
      const transfer = [slab, ...buffersOf(result)];
      reply({ kind: 'computed', id, statistics: result, hostRowCount, slab }, transfer);
    } catch (error) {
      reply({ kind: 'failed', id, message: messageOf(error), slab }, [slab]);
    }
  }

  async function computeShapes({ id, input }: ShapesRequest): Promise<void> {
    try {
      const { result, hostRowCount } = await computeOrFallBack((on) => on.computeShapes(input));
      const transfer = [...result.values()].map(({ buffer }) => buffer);
      reply({ kind: 'computedShapes', id, shapes: result, hostRowCount }, transfer);
    } catch (error) {
      reply({ kind: 'failed', id, message: messageOf(error), slab: null });
    }
  }

  let tail = start();
  port.on('message', (request: ThreadRequest) => {
    tail = tail.then(async () => {
      switch (request.kind) {
        case 'compute':
          return compute(request);
        case 'computeShapes':
          return computeShapes(request);
        case 'close':
          backend.dispose();
          port.close();
      }
    });
  });
}

function toInput({ options, hasPrevious, slab }: ComputeRequest): FrameStatisticsInput {
  const length = options.layerCount * options.sampleCount;
  const column = (index: number) => new Float32Array(slab, index * length * 4, length);
  return {
    ...options,
    gradient: column(0),
    firstMoment: column(1),
    secondMoment: column(2),
    previousGradient: hasPrevious ? column(3) : null,
  };
}

function buffersOf({ layerMetrics, histograms }: FrameStatistics): ArrayBuffer[] {
  const arrays = [
    ...layerMetrics.values(),
    ...[...histograms.values()].flatMap(({ edges, counts, outside }) => [edges, counts, outside]),
  ];
  return arrays.flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
