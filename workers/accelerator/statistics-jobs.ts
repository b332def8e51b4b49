/** What waits for the statistics thread: how it is sent there, and how it is done here where no thread runs. */
import {
  type FrameStatistics,
  type FrameStatisticsInput,
  computeFrameStatistics,
} from '../../lib/stats/frame-statistics';
import {
  type HistogramShapes,
  type ShapesInput,
  computeHistogramShapes,
} from '../../lib/stats/histogram-shapes';
import type { SlabPool } from './slab-pool';
import { type ThreadRequest, columnCountOf } from './thread-messages';

export interface FrameJob {
  readonly kind: 'frame';
  readonly input: FrameStatisticsInput;
  readonly resolve: (statistics: FrameStatistics) => void;
  readonly reject: (error: Error) => void;
}

export interface ShapesJob {
  readonly kind: 'shapes';
  readonly input: ShapesInput;
  readonly resolve: (shapes: HistogramShapes) => void;
  readonly reject: (error: Error) => void;
}

export type Job = FrameJob | ShapesJob;

/** Bytes of raw samples: what the queue is bounded by. */
export function sizeOf(job: Job): number {
  if (job.kind === 'shapes') return 0;
  const { gradient, previousGradient } = job.input;
  return columnCountOf(previousGradient !== null) * gradient.byteLength;
}

/** What is not, the reference says what is wrong with. */
export function isWellFormed(job: Job): boolean {
  if (job.kind === 'shapes') {
    const { layerCount, edges, counts, outside } = job.input;
    const binCount = edges.length - 1;
    return (
      binCount > 0 && counts.length === layerCount * binCount && outside.length === layerCount * 4
    );
  }
  const { layerCount, sampleCount, gradient, firstMoment, secondMoment, previousGradient } =
    job.input;
  return [gradient, firstMoment, secondMoment, previousGradient ?? gradient].every(
    ({ length }) => length === layerCount * sampleCount,
  );
}

export function computeHere(job: Job): void {
  try {
    if (job.kind === 'frame') job.resolve(computeFrameStatistics(job.input));
    else job.resolve(computeHistogramShapes(job.input));
  } catch (error) {
    job.reject(error instanceof Error ? error : new Error(String(error)));
  }
}

/** The request for a job, of copies: the job may have to be sent again. With the buffers that move. */
export function toRequest(
  id: number,
  job: Job,
  slabs: SlabPool,
): readonly [ThreadRequest, ArrayBuffer[]] {
  return job.kind === 'frame' ? toFrameRequest(id, job, slabs) : toShapesRequest(id, job);
}

function toFrameRequest(
  id: number,
  job: FrameJob,
  slabs: SlabPool,
): readonly [ThreadRequest, ArrayBuffer[]] {
  const { gradient, firstMoment, secondMoment, previousGradient, ...rest } = job.input;
  const slab = slabs.take(sizeOf(job));
  const columns = new Float32Array(slab);
  [gradient, firstMoment, secondMoment, previousGradient].forEach((values, index) => {
    if (values !== null) columns.set(values, index * gradient.length);
  });
  const request: ThreadRequest = {
    kind: 'compute',
    id,
    // A view would take the whole array that it looks at with it.
    options: { ...rest, parameterCounts: Float64Array.from(rest.parameterCounts) },
    hasPrevious: previousGradient !== null,
    slab,
  };
  return [request, [slab]];
}

function toShapesRequest(
  id: number,
  { input }: ShapesJob,
): readonly [ThreadRequest, ArrayBuffer[]] {
  const { layerCount, measures } = input;
  const edges = input.edges.slice();
  const counts = input.counts.slice();
  const outside = input.outside.slice();
  return [
    { kind: 'computeShapes', id, input: { layerCount, edges, counts, outside, measures } },
    [edges.buffer, counts.buffer, outside.buffer],
  ];
}
