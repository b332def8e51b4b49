/**
 * The thread that computes statistics of raw samples: one frame after the other, on the
 * backend that it chose at its start. A backend that fails once is not used again until
 * the worker restarts; its frame is computed by the single pass.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { FrameStatistics, FrameStatisticsInput } from '../../lib/stats/frame-statistics';
import { chooseBackend } from './choose-backend';
import { cpuBackend } from './cpu-backend';
import { BACKEND_CHOICES, type StatisticsBackend } from './statistics-backend';
import type { ThreadReply, ThreadRequest } from './thread-messages';

type ComputeRequest = Extract<ThreadRequest, { kind: 'compute' }>;

if (parentPort === null) throw new Error('this file is a thread of the ingestion worker');
const port = parentPort;

let backend: StatisticsBackend = cpuBackend;

function reply(message: ThreadReply, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

async function start(): Promise<void> {
  const asked: unknown = workerData;
  const choice = BACKEND_CHOICES.find((name) => name === asked);
  if (choice === undefined) throw new Error(`there is no statistics backend ${String(asked)}`);
  const chosen = await chooseBackend(choice);
  backend = chosen.backend;
  const { name, device } = backend;
  reply({ kind: 'ready', backend: name, device, passedOver: chosen.passedOver });
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
  const hostRowsBefore = backend.status().hostRowCount;
  try {
    const statistics = await computeOrFallBack(toInput(request));
    const hostRowCount = Math.max(0, backend.status().hostRowCount - hostRowsBefore);
    reply({ kind: 'computed', id, statistics, hostRowCount, slab }, [
      slab,
      ...buffersOf(statistics),
    ]);
  } catch (error) {
    reply({ kind: 'failed', id, message: messageOf(error), slab }, [slab]);
  }
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

/** What was asked, in its order: a backend computes one frame at a time. */
let tail = start();

port.on('message', (request: ThreadRequest) => {
  tail = tail.then(async () => {
    if (request.kind === 'compute') return compute(request);
    backend.dispose();
    port.close();
  });
});
