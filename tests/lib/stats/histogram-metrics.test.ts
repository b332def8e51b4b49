import { describe, expect, it } from 'vitest';
import { bitsOf, MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import { computeFrameStatistics } from '@/lib/stats/frame-statistics';
import { deriveHistogramMetrics } from '@/lib/stats/histogram-metrics';
import { readRecordedSamples } from './recorded-samples';

describe('deriveHistogramMetrics', () => {
  it('recovers from the histograms of a real run what its samples say', () => {
    const { layerCount, sampleCount, steps } = readRecordedSamples();
    for (const { step, ...samples } of steps) {
      const { layerMetrics, histograms } = computeFrameStatistics({
        layerCount,
        sampleCount,
        ...samples,
        parameterCounts: new Float64Array(layerCount).fill(sampleCount),
        epsilon: 1e-5,
        beta1: 0.9,
        beta2: 0.95,
        previousGradient: null,
      });
      const derived = new Map([
        ...deriveHistogramMetrics('ratio', { layerCount, ...histograms.get('ratio')! }),
        ...deriveHistogramMetrics('update', { layerCount, ...histograms.get('update')! }),
      ]);
      expect([...derived.keys()]).toEqual([
        'ratio_std',
        'update_mean',
        'update_std',
        'update_small_fraction',
      ]);
      for (const [name, column] of derived) {
        const std = layerMetrics.get(name.startsWith('ratio') ? 'ratio_std' : 'update_std')!;
        layerMetrics.get(name)!.forEach((expected, layer) => {
          // A bin of u spans 15 % of its value, a bin of r 0.018.
          const tolerance = name === 'update_small_fraction' ? 0.02 : 0.006 + 0.02 * std[layer]!;
          const message = `${name} of layer ${layer} at ${step}`;
          expect(Math.abs(column[layer]! - expected), message).toBeLessThan(tolerance);
        });
      }
    }
  });

  it('tells a layer without a report from one without a finite value', () => {
    const columns = deriveHistogramMetrics('ratio', {
      layerCount: 3,
      edges: Float32Array.of(-1, 0, 1),
      counts: Uint32Array.of(0, 0, 0, 0, 1, 1),
      outside: Uint32Array.of(0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0),
      missingBits: MISSING_FLOAT32_BITS,
    });
    const column = columns.get('ratio_std')!;
    expect(bitsOf(column)[0]).toBe(MISSING_FLOAT32_BITS);
    expect(column[1]).toBeNaN();
    expect(bitsOf(column)[1]).not.toBe(MISSING_FLOAT32_BITS);
    expect(column[2]).toBeCloseTo(Math.sqrt(1 / 3), 6);
  });

  it('derives nothing from a custom histogram', () => {
    const input = {
      layerCount: 1,
      edges: Float32Array.of(0, 1),
      counts: Uint32Array.of(1),
      outside: new Uint32Array(4),
    };
    expect(deriveHistogramMetrics('attention_logits', input).size).toBe(0);
  });

  it('refuses counts that do not fill the layers', () => {
    const input = {
      layerCount: 2,
      edges: Float32Array.of(0, 1),
      counts: Uint32Array.of(1),
      outside: new Uint32Array(8),
    };
    expect(() => deriveHistogramMetrics('update', input)).toThrow(
      'update: expected 2 counts and 8 outside, got 1 and 8',
    );
  });
});
