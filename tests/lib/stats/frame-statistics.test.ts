import { describe, expect, it } from 'vitest';
import { bitsOf, MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import { isStandardMetric } from '@/lib/contract/standard-metrics';
import { computeFrameStatistics, type FrameStatisticsInput } from '@/lib/stats/frame-statistics';
import { readExpectedStatistics, readRecordedSamples } from './recorded-samples';

function inputOf(overrides: Partial<FrameStatisticsInput> = {}): FrameStatisticsInput {
  return {
    layerCount: 2,
    sampleCount: 2,
    gradient: Float32Array.of(1, -1, 0, 0),
    firstMoment: Float32Array.of(0.1, -0.1, 0, 0),
    secondMoment: Float32Array.of(1, 1, 0, 0),
    parameterCounts: [2, 2],
    epsilon: 1e-8,
    beta1: 0.9,
    beta2: 0.95,
    previousGradient: null,
    ...overrides,
  };
}

describe('computeFrameStatistics', () => {
  it('agrees with NumPy on samples of a real run to 1e-5', () => {
    const { layers, layerCount, sampleCount, steps } = readRecordedSamples();
    const { epsilon, values } = readExpectedStatistics();
    let compared = 0;
    for (const { step, ...samples } of steps) {
      const { layerMetrics } = computeFrameStatistics({
        layerCount,
        sampleCount,
        ...samples,
        // NumPy's gradient norm is that of the sample itself.
        parameterCounts: new Float64Array(layerCount).fill(sampleCount),
        epsilon,
        beta1: 0.9,
        beta2: 0.95,
        previousGradient: null,
      });
      layers.forEach((layer, index) => {
        for (const [metric, expected] of Object.entries(values[`${layer}@${step}`] ?? {})) {
          const actual = layerMetrics.get(metric)![index]!;
          const message = `${metric} of ${layer} at ${step}: ${actual} for ${expected}`;
          expect(Math.abs(actual - expected), message).toBeLessThanOrEqual(
            1e-5 * Math.abs(expected),
          );
          compared++;
        }
      });
    }
    expect(compared).toBe(Object.values(values).flatMap(Object.keys).length);
    expect(compared).toBeGreaterThan(100);
  });

  it('finds the single burst of a real run in the bins of r', () => {
    const { layers, layerCount, sampleCount, steps } = readRecordedSamples();
    const burst = steps.find(({ step }) => step === 317)!;
    const { histograms } = computeFrameStatistics({
      ...inputOf({ layerCount, sampleCount, ...burst, epsilon: 1e-5 }),
      parameterCounts: new Float64Array(layerCount).fill(sampleCount),
    });
    const { edges, counts } = histograms.get('ratio')!;
    const layer = layers.indexOf('transformer.h.0.mlp.c_proj.weight');
    const row = counts.subarray(layer * 128, (layer + 1) * 128);
    const mode = row.indexOf(Math.max(...row));
    // ±(1−β1)/√(1−β2) = ±0.447
    expect(Math.abs((edges[mode]! + edges[mode + 1]!) / 2)).toBeCloseTo(0.447, 1);
  });

  it('names its metrics as the contract does', () => {
    const { layerMetrics } = computeFrameStatistics(
      inputOf({ previousGradient: Float32Array.of(1, 1, 0, 0) }),
    );
    expect([...layerMetrics.keys()].filter((name) => !isStandardMetric(name))).toEqual([]);
    expect(layerMetrics.size).toBe(14);
    expect(layerMetrics.has('weight_norm')).toBe(false);
  });

  it('keeps layers apart', () => {
    const { layerMetrics, histograms } = computeFrameStatistics(inputOf());
    expect([...layerMetrics.get('gradient_rms')!]).toEqual([1, 0]);
    expect([...histograms.get('ratio')!.outside]).toEqual([0, 0, 0, 0, 0, 0, 2, 0]);
    expect(histograms.get('update')!.counts.length).toBe(2 * 418);
  });

  it('compares with the step before only when it is given', () => {
    expect(computeFrameStatistics(inputOf()).layerMetrics.has('gradient_cosine')).toBe(false);
    const { layerMetrics } = computeFrameStatistics(
      inputOf({
        previousGradient: Float32Array.of(1, 1, 0, 0),
        missingBits: MISSING_FLOAT32_BITS,
      }),
    );
    const cosine = layerMetrics.get('gradient_cosine')!;
    expect(cosine[0]).toBe(0);
    expect(layerMetrics.get('gradient_sign_agreement')![0]).toBe(0.5);
    // A layer without gradient has no direction: not reported, and not NaN.
    expect(bitsOf(cosine)[1]).toBe(MISSING_FLOAT32_BITS);
  });

  it('takes its range from the betas, also when they change', () => {
    const limitOf = (beta1: number | null, beta2: number | null) =>
      computeFrameStatistics(inputOf({ beta1, beta2 })).histograms.get('ratio')!.edges[128];
    expect(limitOf(0.9, 0.95)).toBeCloseTo(1.166, 3);
    expect(limitOf(0.9, 0.98)).toBeCloseTo(1.6994, 4);
    expect(limitOf(null, null)).toBeCloseTo(7.278, 3);
    expect(limitOf(0.9, 0.95)).toBeCloseTo(1.166, 3);
  });

  it('hands out arrays that share nothing with the next frame', () => {
    const first = computeFrameStatistics(inputOf()).histograms.get('update')!;
    first.edges.fill(0);
    first.counts.fill(9);
    const second = computeFrameStatistics(inputOf()).histograms.get('update')!;
    expect(second.edges[0]).toBe(-10);
    expect(Math.max(...second.counts)).toBe(1);
  });

  it('takes the recommended ε where the run names none', () => {
    const gradient = Float32Array.of(0.9e-8, 1.1e-8, 0, 0);
    const { layerMetrics } = computeFrameStatistics(inputOf({ gradient, epsilon: null }));
    expect(layerMetrics.get('gradient_below_epsilon_fraction')![0]).toBe(0.5);
  });

  it('returns nothing for no samples and no layers', () => {
    const none = new Float32Array(0);
    const samples = { gradient: none, firstMoment: none, secondMoment: none };
    for (const size of [{ sampleCount: 0 }, { layerCount: 0, parameterCounts: [] }]) {
      const { layerMetrics, histograms } = computeFrameStatistics(inputOf({ ...samples, ...size }));
      expect(layerMetrics.size + histograms.size).toBe(0);
    }
  });

  it('refuses arrays that do not fit, naming which', () => {
    expect(() => computeFrameStatistics(inputOf({ firstMoment: new Float32Array(3) }))).toThrow(
      'firstMoment: expected 4 values, got 3',
    );
    expect(() =>
      computeFrameStatistics(inputOf({ previousGradient: new Float32Array(5) })),
    ).toThrow('previousGradient: expected 4 values, got 5');
    expect(() => computeFrameStatistics(inputOf({ parameterCounts: [1] }))).toThrow(
      'parameterCounts: expected 2, got 1',
    );
  });
});
