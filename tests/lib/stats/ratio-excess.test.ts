import { describe, expect, it } from 'vitest';
import { bitsOf, MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import { adamRatioBound } from '@/lib/stats/adam-ratio-bound';
import { computeFrameStatistics } from '@/lib/stats/frame-statistics';
import { ratioBound } from '@/lib/stats/ratio-bound';
import { deriveRatioExcess } from '@/lib/stats/ratio-excess';
import { readRecordedFrames } from '@/tests/workers/ingest/detect/recorded-frames';
import { readRecordedSamples } from './recorded-samples';

const BOUND = ratioBound(0.9, 0.95)!;

function excessOf(edges: readonly number[], counts: readonly number[], outside = [0, 0, 0, 0]) {
  return deriveRatioExcess(
    {
      layerCount: 1,
      edges: Float32Array.from(edges),
      counts: Uint32Array.from(counts),
      outside: Uint32Array.from(outside),
      missingBits: MISSING_FLOAT32_BITS,
    },
    BOUND,
  );
}

describe('deriveRatioExcess', () => {
  it('counts bins wholly beyond the bound, on both sides, and none that straddles it', () => {
    const edges = [-2, -1.2, -1, 0, 1, 1.2, 2];
    expect(excessOf(edges, [1, 8, 20, 20, 40, 11])[0]).toBeCloseTo(0.12, 6);
    expect(excessOf(edges, [0, 8, 20, 20, 40, 0])[0]).toBe(0);
  });

  it('counts underflow and overflow where the edges reach the bound, and there alone', () => {
    expect(excessOf([-1.2, 0, 1.2], [50, 40], [3, 7, 0, 0])[0]).toBeCloseTo(0.1, 6);
    expect(excessOf([-1, 0, 1.2], [50, 40], [3, 7, 0, 0])[0]).toBeCloseTo(0.07, 6);
    expect(excessOf([-1, 0, 1], [50, 40], [3, 7, 0, 0])[0]).toBe(0);
  });

  it('has exact zeros in the whole and non-finite values in neither', () => {
    expect(excessOf([-1.2, 0, 1.2], [0, 0], [0, 1, 3, 96])[0]).toBe(0.25);
  });

  it('is missing for a layer without a finite value', () => {
    expect(bitsOf(excessOf([-1.2, 0, 1.2], [0, 0], [0, 0, 0, 9]))[0]).toBe(MISSING_FLOAT32_BITS);
  });

  it('refuses counts that do not fit the layers', () => {
    expect(() => excessOf([-1, 0, 1], [1])).toThrow(RangeError);
  });

  it('is exact for our own histograms: one part in a thousand over the bound is let pass', () => {
    const beyond = [1.0005, 1.002, -1.002, 0.5].map((factor) => factor * BOUND);
    const { histograms } = computeFrameStatistics({
      layerCount: 1,
      sampleCount: 4,
      gradient: Float32Array.from(beyond),
      firstMoment: Float32Array.from(beyond),
      secondMoment: new Float32Array(4).fill(1),
      parameterCounts: [4],
      epsilon: 1e-8,
      beta1: 0.9,
      beta2: 0.95,
      previousGradient: null,
    });
    const column = deriveRatioExcess({ layerCount: 1, ...histograms.get('ratio')! }, BOUND);
    expect([...column]).toEqual([0.5]);
  });

  it('finds nothing beyond the bound in raw samples of a real run, spikes included', () => {
    const { layerCount, sampleCount, steps } = readRecordedSamples();
    for (const step of steps) {
      const { histograms } = computeFrameStatistics({
        ...step,
        layerCount,
        sampleCount,
        parameterCounts: new Float64Array(layerCount).fill(sampleCount),
        epsilon: 1e-5,
        beta1: 0.9,
        beta2: 0.95,
        previousGradient: null,
      });
      const column = deriveRatioExcess({ layerCount, ...histograms.get('ratio')! }, BOUND);
      expect(Math.max(...column), `step ${step.step}`).toBe(0);
    }
  });

  it.each(['B_spontaneous_spike', 'C_stale_v'])(
    'finds nothing beyond the bound in the posted histograms of run %s',
    async (name) => {
      const { run, frames } = await readRecordedFrames(`recorded/${name}.jsonl.gz`);
      const bound = adamRatioBound(run.optimizer)!;
      for (const { step, layerCount, histograms } of frames) {
        const column = deriveRatioExcess({ layerCount, ...histograms.get('ratio')! }, bound);
        expect(
          column.find((share) => share > 0),
          `step ${step}`,
        ).toBeUndefined();
      }
    },
  );
});
