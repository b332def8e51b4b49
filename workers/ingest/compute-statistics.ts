import { MISSING_FLOAT32_BITS } from '../../lib/contract/missing-value';
import type { Frame, HistogramFrame } from '../../lib/contract/frame';
import { computeFrameStatistics } from '../../lib/stats/frame-statistics';
import { deriveHistogramMetrics } from '../../lib/stats/histogram-metrics';
import type { PreviousGradients } from './previous-gradients';
import type { ValidFrames } from './validate-frames';

export interface StatisticsDependencies {
  readonly previousGradients: PreviousGradients;
}

/**
 * Fills in what the worker can derive: metrics and histograms from raw samples, moments
 * from posted histograms. What the job posted itself is never replaced.
 */
export function computeStatistics(deps: StatisticsDependencies, valid: ValidFrames): ValidFrames {
  const isPlain = valid.frames.every(
    (frame) => frame.samples === null && frame.histograms.size === 0,
  );
  if (isPlain) return valid;
  return { ...valid, frames: valid.frames.map((frame) => complete(deps, valid, frame)) };
}

function complete(deps: StatisticsDependencies, valid: ValidFrames, frame: Frame): Frame {
  const layerMetrics = new Map(frame.layerMetrics);
  const histograms = new Map(frame.histograms);
  if (frame.samples !== null) addFromSamples(deps, valid, frame, layerMetrics, histograms);
  for (const [name, histogram] of frame.histograms) {
    addMissing(
      layerMetrics,
      deriveHistogramMetrics(name, {
        ...histogram,
        layerCount: frame.layerCount,
        missingBits: MISSING_FLOAT32_BITS,
      }),
    );
  }
  return { ...frame, layerMetrics, histograms };
}

function addFromSamples(
  { previousGradients }: StatisticsDependencies,
  { run, attempt, layerOffset }: ValidFrames,
  { step, layerCount, samples }: Frame,
  layerMetrics: Map<string, Float32Array>,
  histograms: Map<string, HistogramFrame>,
): void {
  if (samples === null) return;
  const shard = { runKey: run.runKey, attempt: attempt.attempt, layerOffset };
  const { gradient, firstMoment, secondMoment, sampleCount } = samples;
  const { optimizer } = attempt;
  const computed = computeFrameStatistics({
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
  addMissing(layerMetrics, computed.layerMetrics);
  addMissing(histograms, computed.histograms);
}

function addMissing<T>(target: Map<string, T>, source: ReadonlyMap<string, T>): void {
  for (const [name, value] of source) if (!target.has(name)) target.set(name, value);
}
