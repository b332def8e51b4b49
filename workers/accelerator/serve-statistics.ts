/**
 * The statistics thread's side of the conversation: one frame after the other, in the
 * order of the requests. A backend that fails once is not used again until the worker
 * restarts; its frame is computed by the single pass.
 */
import type { MessagePort } from 'node:worker_threads';
import type { FrameStatistics, FrameStatisticsInput } from '../../lib/stats/frame-statistics';
import type { ChosenBackend } from './choose-backend';
import { cpuBackend } from './cpu-backend';
import type { StatisticsBackend } from './statistics-backend';
import type { ThreadReply, ThreadRequest } from './thread-messages';

type ComputeRequest = Extract<ThreadRequest, { kind: 'compute' }>;

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
    reply({ kind: 'ready', backend: name, device, passedOver: chosen.passedOver });
  }

  async function computeOrFallBack(input: FrameStatisticsInput): Promise<FrameStatistics> {
    try {
      return await backend.compute(input);
    } catch (error) {
      // The single pass throws of its input alone, and would throw again.
      if (backend === cpuBackend) throw error;
      const failed = backend;
      backend = cpuBackend;
      const { name, device } = cpuBackend;
      const reason = `${failed.name} on ${failed.device}: ${messageOf(error)}`;
      reply({ kind: 'fellBack', backend: name, device, reason });
      failed.dispose();
      return cpuBackend.compute(input);
    }
  }

  async function compute(request: ComputeRequest): Promise<void> {
    const { id, slab } = request;
    const asked = backend;
    const hostRowsBefore = asked.status().hostRowCount;
    try {
      const statistics = await computeOrFallBack(toInput(request));
      // Of a backend that fell back no row is its own.
      const hostRowCount = asked === backend ? asked.status().hostRowCount - hostRowsBefore : 0;
      const transfer = [slab, ...buffersOf(statistics)];
      reply({ kind: 'computed', id, statistics, hostRowCount, slab }, transfer);
    } catch (error) {
      reply({ kind: 'failed', id, message: messageOf(error), slab }, [slab]);
    }
  }

  let tail = start();
  port.on('message', (request: ThreadRequest) => {
    tail = tail.then(async () => {
      if (request.kind === 'compute') return compute(request);
      backend.dispose();
      port.close();
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
