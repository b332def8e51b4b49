import { MISSING_FLOAT32_BITS } from '../../lib/contract/missing-value';
import type { Frame, HistogramFrame, SampleFrame } from '../../lib/contract/frame';
import { RATIO_EXCESS_METRIC } from '../../lib/contract/standard-metrics';
import { adamRatioBound } from '../../lib/stats/adam-ratio-bound';
import type { FrameStatistics } from '../../lib/stats/frame-statistics';
import {
  type HistogramMetricsInput,
  deriveHistogramMetrics,
} from '../../lib/stats/histogram-metrics';
import { deriveRatioExcess } from '../../lib/stats/ratio-excess';
import {
  deriveShapeMetrics,
  shapeMeasuresOf,
  shapeMetricNames,
  toShapeMetrics,
} from '../../lib/stats/shape-metrics';
import type { StatisticsClient } from '../accelerator/statistics-client';
import type { PreviousGradients } from './previous-gradients';
import type { ValidFrames } from './validate-frames';

export interface StatisticsDependencies {
  readonly previousGradients: PreviousGradients;
  readonly statistics: Pick<StatisticsClient, 'checkRoom' | 'compute' | 'computeShapes'>;
}

/**
 * Fills in what the worker can derive: metrics and histograms from raw samples, moments
 * from posted histograms, shapes and what lies beyond the bound of r from either. What the
 * job posted itself is never replaced.
 * Frames without samples wait for nobody's batch.
 *
 * Throws  AppError `writer_saturated` while too many samples wait
 */
export async function computeStatistics(
  deps: StatisticsDependencies,
  valid: ValidFrames,
): Promise<ValidFrames> {
  const isPlain = valid.frames.every(
    (frame) => frame.samples === null && frame.histograms.size === 0,
  );
  if (isPlain) return valid;
  if (valid.frames.some((frame) => frame.samples !== null)) deps.statistics.checkRoom();
  // All are handed over before one is awaited: each step is compared with the one before it.
  return {
    ...valid,
    frames: await Promise.all(valid.frames.map((frame) => complete(deps, valid, frame))),
  };
}

async function complete(
  deps: StatisticsDependencies,
  valid: ValidFrames,
  frame: Frame,
): Promise<Frame> {
  const layerMetrics = new Map(frame.layerMetrics);
  const histograms = new Map(frame.histograms);
  if (frame.samples !== null) {
    const computed = await computeFromSamples(deps, valid, frame, frame.samples);
    // Computed histograms come with their shapes; of one that the job posted the shape is its own.
    for (const name of frame.histograms.keys()) {
      for (const metric of shapeMetricNames(name)) computed.layerMetrics.delete(metric);
    }
    addMissing(layerMetrics, computed.layerMetrics);
    addMissing(histograms, computed.histograms);
    for (const shapes of await measureShapes(deps, histograms, frame.layerCount, layerMetrics)) {
      addMissing(layerMetrics, shapes);
    }
  }
  const { layerCount } = frame;
  for (const [name, histogram] of frame.histograms) {
    addMissing(layerMetrics, deriveHistogramMetrics(name, toInput(histogram, layerCount)));
  }
  for (const [name, histogram] of histograms) {
    addMissing(
      layerMetrics,
      deriveShapeMetrics(name, toInput(histogram, layerCount), layerMetrics),
    );
  }
  const ratio = histograms.get('ratio');
  const bound = adamRatioBound(valid.attempt.optimizer);
  if (ratio !== undefined && bound !== null && !layerMetrics.has(RATIO_EXCESS_METRIC)) {
    layerMetrics.set(RATIO_EXCESS_METRIC, deriveRatioExcess(toInput(ratio, layerCount), bound));
  }
  return { ...frame, layerMetrics, histograms };
}

/** A frame that has waited for a batch waits for its shapes there too; others take theirs here. */
function measureShapes(
  { statistics }: StatisticsDependencies,
  histograms: ReadonlyMap<string, HistogramFrame>,
  layerCount: number,
  known: ReadonlyMap<string, Float32Array>,
): Promise<ReadonlyMap<string, Float32Array>[]> {
  return Promise.all(
    Array.from(histograms, async ([name, histogram]) => {
      const measures = shapeMeasuresOf(name, known);
      if (measures.length === 0) return new Map();
      const shapes = await statistics.computeShapes({ ...histogram, layerCount, measures });
      return toShapeMetrics(name, shapes, MISSING_FLOAT32_BITS);
    }),
  );
}

function computeFromSamples(
  { previousGradients, statistics }: StatisticsDependencies,
  { run, attempt, layerOffset }: ValidFrames,
  { step, layerCount }: Frame,
  { gradient, firstMoment, secondMoment, sampleCount }: SampleFrame,
): Promise<FrameStatistics> {
  const shard = { runKey: run.runKey, attempt: attempt.attempt, layerOffset };
  const { optimizer } = attempt;
  const computed = statistics.compute({
    layerCount,
    sampleCount,
    gradient,
    firstMoment,
    secondMoment,
    parameterCounts: run.parameterCounts.subarray(layerOffset, layerOffset + layerCount),
    epsilon: optimizer.epsilon ?? null,
    beta1: optimizer.beta1 ?? null,
    beta2: optimizer.beta2 ?? null,
    previousGradient: previousGradients.find(shard, step, gradient.length),
    missingBits: MISSING_FLOAT32_BITS,
  });
  previousGradients.remember(shard, step, gradient);
  return computed;
}

function toInput(histogram: HistogramFrame, layerCount: number): HistogramMetricsInput {
  return { ...histogram, layerCount, missingBits: MISSING_FLOAT32_BITS };
}

function addMissing<T>(target: Map<string, T>, source: ReadonlyMap<string, T>): void {
  for (const [name, value] of source) if (!target.has(name)) target.set(name, value);
}
