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
import { shapeMeasuresOf, toShapeMetrics } from '../../lib/stats/shape-metrics';
import type { StatisticsBackend } from './statistics-backend';

/** A frame's statistics on a backend, with the shapes of the histograms that it made: one answer for both. */
export async function computeFrame(
  backend: StatisticsBackend,
  input: FrameStatisticsInput,
): Promise<FrameStatistics> {
  const statistics = await backend.compute(input);
  for (const [name, asked] of shapesOf(statistics, input)) {
    addShapes(statistics, name, await backend.computeShapes(asked), input);
  }
  return statistics;
}

/** The same by the single pass, where no thread is at hand. */
export function computeFrameHere(input: FrameStatisticsInput): FrameStatistics {
  const statistics = computeFrameStatistics(input);
  for (const [name, asked] of shapesOf(statistics, input)) {
    addShapes(statistics, name, computeHistogramShapes(asked), input);
  }
  return statistics;
}

function shapesOf(
  { histograms }: FrameStatistics,
  { layerCount }: FrameStatisticsInput,
): (readonly [string, ShapesInput])[] {
  return Array.from(
    histograms,
    ([name, histogram]) =>
      [name, { ...histogram, layerCount, measures: shapeMeasuresOf(name) }] as const,
  );
}

function addShapes(
  { layerMetrics }: FrameStatistics,
  name: string,
  shapes: HistogramShapes,
  { missingBits }: FrameStatisticsInput,
): void {
  for (const [metric, column] of toShapeMetrics(name, shapes, missingBits)) {
    layerMetrics.set(metric, column);
  }
}
