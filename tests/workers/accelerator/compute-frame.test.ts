import { describe, expect, it } from 'vitest';
import { computeFrameStatistics } from '@/lib/stats/frame-statistics';
import { computeHistogramShapes } from '@/lib/stats/histogram-shapes';
import { deriveShapeMetrics } from '@/lib/stats/shape-metrics';
import { computeFrame, computeFrameHere } from '@/workers/accelerator/compute-frame';
import { cpuBackend } from '@/workers/accelerator/cpu-backend';
import { randomInput } from './sample-inputs';

const input = randomInput(3, 200);

describe('a frame’s statistics', () => {
  it('come with the shapes of the histograms that they hold', () => {
    const statistics = computeFrameHere(input);
    const { layerMetrics, histograms } = computeFrameStatistics(input);
    expect(statistics.histograms).toEqual(histograms);
    const shapes = Array.from(histograms, ([name, histogram]) => [
      ...deriveShapeMetrics(
        name,
        { ...histogram, layerCount: 3, missingBits: input.missingBits! },
        new Set(),
      ),
    ]).flat();
    expect(shapes.map(([metric]) => metric)).toEqual([
      'ratio_dip',
      'ratio_bimodality_coefficient',
      'ratio_valley_depth',
      'update_dip',
    ]);
    expect(statistics.layerMetrics).toEqual(new Map([...layerMetrics, ...shapes]));
  });

  it('are the same from a backend, which is asked for both', async () => {
    const asked: string[] = [];
    const statistics = await computeFrame(
      {
        ...cpuBackend,
        computeShapes: (batch) => {
          asked.push(batch.measures.join());
          return Promise.resolve(computeHistogramShapes(batch));
        },
      },
      input,
    );
    expect(asked).toEqual(['dip,bimodalityCoefficient,valleyDepth', 'dip']);
    expect(statistics).toEqual(computeFrameHere(input));
  });

  it('are missing where a layer has no shape, and none of nothing', () => {
    const zeros = { ...input, firstMoment: new Float32Array(600) };
    const dips = computeFrameHere(zeros).layerMetrics.get('ratio_valley_depth')!;
    expect(new Uint32Array(dips.buffer)[0]).toBe(input.missingBits);
    expect(computeFrameHere(randomInput(0, 0)).layerMetrics.size).toBe(0);
  });
});
