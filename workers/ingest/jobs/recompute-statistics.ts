/**
 * Reads the stored histograms of a run again and puts what follows from them in the place
 * of the stored metrics: for runs stored before a measure was there, or was right.
 *
 *   a step's histograms ▶ shapes on the accelerator, [layers × bins] ▶ without what a job
 *   posted itself ▶ replaced cells
 *
 * What the detectors said of the run stays as it was.
 */
import { z } from 'zod';
import { RECOMPUTED_METRICS, type RecomputeStatistics } from '../../../lib/contract/jobs';
import { MISSING_FLOAT32_BITS } from '../../../lib/contract/missing-value';
import { RATIO_EXCESS_METRIC } from '../../../lib/contract/standard-metrics';
import { adamRatioBound } from '../../../lib/stats/adam-ratio-bound';
import { deriveRatioExcess } from '../../../lib/stats/ratio-excess';
import { shapeMeasuresOf, toShapeMetrics } from '../../../lib/stats/shape-metrics';
import {
  type StoredHistogramFrame,
  countStepsWithHistograms,
  findHistogramFrames,
  findStepsWithHistograms,
} from '../../../lib/store/reading/histogram-frames';
import type { JobJson } from '../../../lib/store/jobs';
import { findMetricIds } from '../../../lib/store/metrics';
import { gapsQuery, HISTOGRAMS_GAP } from '../../../lib/store/reading/raw-gaps';
import { type Replacement, replaceLayerMetrics } from '../../../lib/store/writing/replace-metrics';
import type { RunAttempt } from '../../../lib/store/runs/run-context';
import { BLOCK_STEPS, alignDown } from '../../../lib/store/compaction/block-layout';
import type { Segment } from '../../../lib/store/runs/trajectory';
import type { StatisticsClient } from '../../accelerator/statistics-client';
import { type JobContext, JobStopped } from './job-kind';
import { keepPosted } from './keep-posted';

/** The last step that is done, and what has been done up to it. */
const cursorSchema = z.object({
  attempt: z.int(),
  step: z.int(),
  done: z.int(),
  cells: z.int(),
  /** Absent where an older version saved it. */
  kept: z.int().default(0),
  leftOut: z.int(),
});

export type ShapeStatistics = Pick<StatisticsClient, 'computeShapes'>;

/** Histograms of one call: the single pass takes some 15 ms, and a post's samples wait no longer for it. */
const ROWS_AT_ONCE = 1_024;
const HISTOGRAMS = ['ratio', 'update'] as const;

export async function recomputeStatistics(
  statistics: ShapeStatistics,
  context: JobContext,
  parameters: RecomputeStatistics,
): Promise<JobJson> {
  const { db, run } = context;
  const kinds = await findKinds(context);
  const kindIds = [...kinds.keys()];
  const metrics = parameters.metrics ?? RECOMPUTED_METRICS;
  const segments = segmentsOf(run.attempts, parameters);
  let totalSteps = 0;
  for (const segment of segments) {
    totalSteps += await countStepsWithHistograms(db, run.runKey, segment, kindIds);
  }
  const start = context.cursor === null ? null : cursorSchema.parse(context.cursor);
  let done = start?.done ?? 0;
  let cells = start?.cells ?? 0;
  let kept = start?.kept ?? 0;
  let leftOut = start?.leftOut ?? 0;
  let at = { attempt: start?.attempt ?? 0, step: start?.step ?? -1 };
  for (const segment of segments) {
    const { attempt } = segment;
    const optimizer = run.attempts.find((known) => known.attempt === attempt);
    if (optimizer === undefined || attempt < (start?.attempt ?? 0)) continue;
    const afterStep = start?.attempt === attempt ? start.step : -1;
    for await (const steps of batchesAfter(context, segment, kindIds, afterStep)) {
      const replacements: Replacement[] = [];
      for (const step of steps) {
        const frames = await findHistogramFrames(db, run.runKey, attempt, step, kindIds);
        replacements.push(...(await recompute(statistics, frames, kinds, optimizer, metrics)));
        // Nothing is written before the batch is whole: the cursor stays where it was.
        await context.report({
          doneSteps: done,
          totalSteps,
          cursor: { ...at, done, cells, kept, leftOut },
        });
      }
      const own = await keepPosted(db, run, attempt, replacements);
      const notKept = await replaceLayerMetrics(db, run.runKey, attempt, own.replacements);
      if (notKept === null) throw new JobStopped('gone');
      leftOut += notKept;
      kept += own.keptCells;
      done += steps.length;
      for (const { layerCount, layerMetrics } of own.replacements) {
        cells += layerCount * layerMetrics.size;
      }
      at = { attempt, step: steps.at(-1) ?? at.step };
      totalSteps = Math.max(totalSteps, done);
      await context.report({
        doneSteps: done,
        totalSteps,
        cursor: { ...at, done, cells, kept, leftOut },
      });
    }
  }
  return {
    ...{ steps: done, cells, cellsKept: kept, postsLeftOut: leftOut, metrics: [...metrics] },
    histogramsGone: await findHistogramsGone(context, segments),
  };
}

/** Where retention has taken histograms away before, an attempt each: of those steps nothing was read. */
async function findHistogramsGone(
  { db, run }: JobContext,
  segments: readonly Segment[],
): Promise<{ attempt: number; fromStep: number; toStep: number }[]> {
  const gone: { attempt: number; fromStep: number; toStep: number }[] = [];
  await db.readAll([
    gapsQuery(run.runKey, segments, HISTOGRAMS_GAP, (attempt, { fromStep, endStep }) => {
      gone.push({ attempt, fromStep, toStep: endStep - 1 });
    }),
  ]);
  return gone;
}

/** The histograms that metrics are read from, by their number in the run. */
async function findKinds({ db, run }: JobContext): Promise<ReadonlyMap<number, string>> {
  const ids = await findMetricIds(db, run.runKey, 'histogram');
  const kinds = new Map<number, string>();
  for (const name of HISTOGRAMS) {
    const id = ids.get(name);
    if (id !== undefined) kinds.set(id, name);
  }
  return kinds;
}

function segmentsOf(attempts: readonly RunAttempt[], parameters: RecomputeStatistics): Segment[] {
  const { attempt: asked, fromStep = 0, toStep = Number.MAX_SAFE_INTEGER } = parameters;
  return attempts
    .filter(({ attempt }) => asked === undefined || attempt === asked)
    .map(({ attempt }) => ({ attempt, fromStep, toStep }));
}

/** Steps with histograms, those of 64 aligned ones at a time: a block is rewritten once. */
async function* batchesAfter(
  { db, run }: JobContext,
  segment: Segment,
  kindIds: readonly number[],
  afterStep: number,
): AsyncGenerator<number[]> {
  for (let fromStep = Math.max(segment.fromStep, afterStep + 1); ;) {
    const rest = { ...segment, fromStep };
    const steps = await findStepsWithHistograms(db, run.runKey, rest, kindIds, BLOCK_STEPS);
    const [first] = steps;
    if (first === undefined) return;
    const end = alignDown(first, BLOCK_STEPS) + BLOCK_STEPS;
    yield steps.filter((step) => step < end);
    fromStep = end;
  }
}

/** The asked metrics of one step, post by post. */
async function recompute(
  statistics: ShapeStatistics,
  frames: readonly StoredHistogramFrame[],
  kinds: ReadonlyMap<number, string>,
  { optimizer }: RunAttempt,
  metrics: readonly string[],
): Promise<Replacement[]> {
  const bound = adamRatioBound(optimizer);
  const ofPost = new Map<
    number,
    { frame: StoredHistogramFrame; found: Map<string, Float32Array> }
  >();
  for (const frame of frames) {
    const name = kinds.get(frame.kindId) ?? '';
    const post = ofPost.get(frame.layerOffset) ?? { frame, found: new Map() };
    ofPost.set(frame.layerOffset, post);
    for (const [metric, column] of await computeShapeMetrics(statistics, name, frame)) {
      if (metrics.includes(metric)) post.found.set(metric, column);
    }
    if (name === 'ratio' && bound !== null && metrics.includes(RATIO_EXCESS_METRIC)) {
      const input = { ...frame, missingBits: MISSING_FLOAT32_BITS };
      post.found.set(RATIO_EXCESS_METRIC, deriveRatioExcess(input, bound));
    }
  }
  return Array.from(ofPost.values(), ({ frame, found }) => ({
    step: frame.step,
    layerOffset: frame.layerOffset,
    layerCount: frame.layerCount,
    layerMetrics: found,
  }));
}

/** In calls of a bounded number of rows, one after the other. */
async function computeShapeMetrics(
  statistics: ShapeStatistics,
  name: string,
  { layerCount, edges, counts, outside }: StoredHistogramFrame,
): Promise<ReadonlyMap<string, Float32Array>> {
  const binCount = edges.length - 1;
  const measures = shapeMeasuresOf(name);
  const columns = new Map<string, Float32Array>();
  for (let first = 0; first < layerCount; first += ROWS_AT_ONCE) {
    const end = Math.min(first + ROWS_AT_ONCE, layerCount);
    const shapes = await statistics.computeShapes({
      layerCount: end - first,
      edges,
      counts: counts.subarray(first * binCount, end * binCount),
      outside: outside.subarray(first * 4, end * 4),
      measures,
    });
    for (const [metric, rows] of toShapeMetrics(name, shapes, MISSING_FLOAT32_BITS)) {
      const column = columns.get(metric) ?? new Float32Array(layerCount);
      columns.set(metric, column);
      setBits(column, rows, first);
    }
  }
  return columns;
}

/** As bits: a number cannot carry what stands for "missing". */
function setBits(target: Float32Array, source: Float32Array, offset: number): void {
  new Uint32Array(target.buffer, target.byteOffset, target.length).set(
    new Uint32Array(source.buffer, source.byteOffset, source.length),
    offset,
  );
}
