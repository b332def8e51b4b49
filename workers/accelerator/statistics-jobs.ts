/** What waits for the statistics thread: how it is sent there, and how it is done here where no thread runs. */
import type { FrameStatistics, FrameStatisticsInput } from '../../lib/stats/frame-statistics';
import {
  type HistogramShapes,
  type ShapesInput,
  computeHistogramShapes,
} from '../../lib/stats/histogram-shapes';
import { computeFrameHere } from './compute-frame';
import type { SlabPool } from './slab-pool';
import { type ThreadRequest, columnCountOf } from './thread-messages';

/** One frame that somebody waits for. */
export interface FramePart {
  readonly input: FrameStatisticsInput;
  readonly resolve: (statistics: FrameStatistics) => void;
  readonly reject: (error: Error) => void;
}

/** Frames that share a call; all of one family, as `groupFrames` puts them together. */
export interface FrameJob {
  readonly kind: 'frames';
  readonly parts: readonly FramePart[];
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
  return job.parts.reduce((sum, { input }) => sum + sizeOfFrame(input), 0);
}

export function sizeOfFrame({ gradient, previousGradient }: FrameStatisticsInput): number {
  return columnCountOf(previousGradient !== null) * gradient.byteLength;
}

/** What is not, the reference says what is wrong with. */
export function isWellFormedFrame(input: FrameStatisticsInput): boolean {
  const { layerCount, sampleCount, gradient, firstMoment, secondMoment, previousGradient } = input;
  return (
    input.parameterCounts.length === layerCount &&
    [gradient, firstMoment, secondMoment, previousGradient ?? gradient].every(
      ({ length }) => length === layerCount * sampleCount,
    )
  );
}

export function areWellFormedShapes({ layerCount, edges, counts, outside }: ShapesInput): boolean {
  const binCount = edges.length - 1;
  return (
    binCount > 0 && counts.length === layerCount * binCount && outside.length === layerCount * 4
  );
}

export function computeHere(job: Job): void {
  if (job.kind === 'shapes') settle(job, () => computeHistogramShapes(job.input));
  else for (const part of job.parts) settle(part, () => computeFrameHere(part.input));
}

function settle<T>(
  { resolve, reject }: { resolve: (result: T) => void; reject: (error: Error) => void },
  compute: () => T,
): void {
  try {
    resolve(compute());
  } catch (error) {
    reject(error instanceof Error ? error : new Error(String(error)));
  }
}

/** The request for a job, of copies: the job may have to be sent again. With the buffers that move. */
export function toRequest(
  id: number,
  job: Job,
  slabs: SlabPool,
): readonly [ThreadRequest, ArrayBuffer[]] {
  return job.kind === 'frames' ? toFrameRequest(id, job, slabs) : toShapesRequest(id, job);
}

function toFrameRequest(
  id: number,
  job: FrameJob,
  slabs: SlabPool,
): readonly [ThreadRequest, ArrayBuffer[]] {
  const inputs = job.parts.map(({ input }) => input);
  const [first] = inputs;
  if (first === undefined) throw new RangeError('expected a frame');
  const slab = slabs.take(sizeOf(job));
  const columns = new Float32Array(slab);
  const length = inputs.reduce((sum, { gradient }) => sum + gradient.length, 0);
  const parameterCounts: number[] = [];
  let offset = 0;
  for (const input of inputs) {
    const { gradient, firstMoment, secondMoment, previousGradient } = input;
    [gradient, firstMoment, secondMoment, previousGradient].forEach((values, index) => {
      if (values !== null) columns.set(values, index * length + offset);
    });
    offset += gradient.length;
    for (const count of Array.from(input.parameterCounts)) parameterCounts.push(count);
  }
  const { sampleCount, epsilon, beta1, beta2, missingBits } = first;
  const request: ThreadRequest = {
    kind: 'compute',
    id,
    options: {
      layerCount: parameterCounts.length,
      sampleCount,
      // A view would take the whole array that it looks at with it.
      parameterCounts: Float64Array.from(parameterCounts),
      epsilon,
      beta1,
      beta2,
      ...(missingBits === undefined ? {} : { missingBits }),
    },
    hasPrevious: first.previousGradient !== null,
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
