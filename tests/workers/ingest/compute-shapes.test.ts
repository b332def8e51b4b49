import { describe, expect, it } from 'vitest';
import type { Frame, HistogramFrame } from '@/lib/contract/frame';
import { MISSING_FLOAT32_BITS, bitsOf } from '@/lib/contract/missing-value';
import { computeBimodalityCoefficient } from '@/lib/stats/bimodality-coefficient';
import { dipOfHistogram } from '@/lib/stats/dip-of-histogram';
import { computeHistogramShapes } from '@/lib/stats/histogram-shapes';
import { computeHistogramMoments } from '@/lib/stats/histogram-moments';
import { computeValleyDepth } from '@/lib/stats/valley-depth';
import { computeFrameHere } from '@/workers/accelerator/compute-frame';
import { computeStatistics } from '@/workers/ingest/compute-statistics';
import { PreviousGradients } from '@/workers/ingest/previous-gradients';

const EDGES = Float32Array.of(-1, -0.5, 0, 0.5, 1);
const TWO_PEAKS = [40, 2, 2, 40];
const ONE_PEAK = [2, 40, 40, 2];
const NOTHING = [0, 0, 0, 0];

function aHistogram(...rows: readonly number[][]): HistogramFrame {
  return {
    edges: EDGES,
    counts: Uint32Array.from(rows.flat()),
    outside: new Uint32Array(rows.length * 4),
  };
}

async function compute(overrides: Partial<Frame>): Promise<ReadonlyMap<string, Float32Array>> {
  const frame: Frame = {
    step: 0,
    wallTime: null,
    scalars: new Map(),
    layerCount: 3,
    layerMetrics: new Map(),
    histograms: new Map(),
    samples: null,
    ...overrides,
  };
  const attempt = { attempt: 1, resumeFromStep: 0, optimizer: { name: 'adamw' } };
  const computed = await computeStatistics(
    {
      previousGradients: new PreviousGradients(),
      statistics: {
        checkRoom: () => undefined,
        compute: (input) => Promise.resolve(computeFrameHere(input)),
        computeShapes: (input) => Promise.resolve(computeHistogramShapes(input)),
      },
    },
    {
      run: {
        runKey: 'key',
        id: 'run',
        project: 'tests',
        status: 'running',
        newestAttempt: 1,
        layerCount: frame.layerCount,
        attempts: [attempt],
        parameterCounts: new Float64Array(frame.layerCount).fill(100),
      },
      attempt,
      layerOffset: 0,
      frames: [frame],
      rejected: [],
    },
  );
  return computed.frames[0]!.layerMetrics;
}

describe('the shape of distributions', () => {
  it('measures the shape of posted histograms, row by row', async () => {
    const posted = aHistogram(TWO_PEAKS, ONE_PEAK, NOTHING);
    const metrics = await compute({
      histograms: new Map([
        ['ratio', posted],
        ['update', posted],
      ]),
    });
    const row = (layer: number) => ({
      edges: EDGES,
      counts: posted.counts.subarray(layer * 4, layer * 4 + 4),
      outside: new Uint32Array(4),
    });
    for (const layer of [0, 1]) {
      const histogram = row(layer);
      const expected = {
        ratio_dip: dipOfHistogram(histogram),
        update_dip: dipOfHistogram(histogram),
        ratio_bimodality_coefficient: computeBimodalityCoefficient(
          computeHistogramMoments(histogram),
        ),
        ratio_valley_depth: computeValleyDepth(histogram),
      };
      for (const [metric, value] of Object.entries(expected)) {
        expect(metrics.get(metric)?.[layer], metric).toBe(Math.fround(value));
      }
    }
    expect(metrics.get('ratio_dip')![0]).toBeGreaterThan(metrics.get('ratio_dip')![1]!);
  });

  it('says missing where a layer has no distribution', async () => {
    const metrics = await compute({
      histograms: new Map([
        ['ratio', aHistogram(TWO_PEAKS, ONE_PEAK, NOTHING)],
        ['update', aHistogram(NOTHING, ONE_PEAK, NOTHING)],
      ]),
    });
    for (const metric of [
      'ratio_dip',
      'ratio_bimodality_coefficient',
      'ratio_valley_depth',
      'update_dip',
    ]) {
      expect(bitsOf(metrics.get(metric)!)[2], metric).toBe(MISSING_FLOAT32_BITS);
    }
    expect(bitsOf(metrics.get('update_dip')!)[0]).toBe(MISSING_FLOAT32_BITS);
  });

  it('leaves what the job posted itself', async () => {
    const posted = Float32Array.of(0.1, 0.2, 0.3);
    const metrics = await compute({
      layerMetrics: new Map([['ratio_dip', posted]]),
      histograms: new Map([['ratio', aHistogram(TWO_PEAKS, ONE_PEAK, NOTHING)]]),
    });
    expect(metrics.get('ratio_dip')).toBe(posted);
    expect(metrics.has('ratio_valley_depth')).toBe(true);
    expect(metrics.has('update_dip')).toBe(false);
  });

  it('measures a posted histogram rather than the one that samples beside it would give', async () => {
    const ones = new Float32Array(64).fill(1);
    const metrics = await compute({
      layerCount: 1,
      histograms: new Map([['ratio', aHistogram(ONE_PEAK)]]),
      samples: {
        sampleCount: 64,
        gradient: ones,
        firstMoment: ones.map((_, i) => (i % 2 === 0 ? 1 : -1)),
        secondMoment: ones,
      },
    });
    expect(metrics.get('ratio_dip')![0]).toBeLessThan(0.01);
    expect(metrics.get('ratio_valley_depth')![0]).toBeLessThan(0.01);
    expect(metrics.get('update_dip')![0]).toBeGreaterThan(0.2);
  });

  it('measures the shape of what it computes from raw samples', async () => {
    const samples = 64;
    const split = Float32Array.from({ length: samples }, (_, i) => (i % 2 === 0 ? 1 : -1));
    const metrics = await compute({
      layerCount: 1,
      samples: {
        sampleCount: samples,
        gradient: split,
        firstMoment: split,
        secondMoment: new Float32Array(samples).fill(1),
      },
    });
    // r is ±1: two atoms of a half each, each within one bin.
    expect(metrics.get('ratio_dip')![0]).toBeGreaterThan(0.2);
    expect(metrics.get('update_dip')![0]).toBeGreaterThan(0.2);
    expect(metrics.get('ratio_valley_depth')![0]).toBe(1);
    expect(metrics.get('ratio_bimodality_coefficient')![0]).toBeGreaterThan(0.9);
  });
});
