import { describe, expect, it } from 'vitest';
import { type FrameStatistics, computeFrameStatistics } from '@/lib/stats/frame-statistics';
import { compareStatistics } from '@/workers/accelerator/compare-statistics';
import { randomInput } from './sample-inputs';

const input = randomInput(2, 32);
const reference = computeFrameStatistics(input);

function changed(change: (statistics: FrameStatistics) => void): string[] {
  const copy = computeFrameStatistics(input);
  change(copy);
  return compareStatistics(input, reference, copy);
}

function setMetric(name: string, value: (old: number) => number) {
  return changed(({ layerMetrics }) => {
    const column = layerMetrics.get(name)!;
    column[1] = value(column[1]!);
  });
}

describe('compareStatistics', () => {
  it('finds nothing between equals', () => {
    expect(changed(() => undefined)).toEqual([]);
  });

  it.each(['gradient_rms', 'rms', 'update_std', 'ratio_std', 'gradient_norm'])(
    'lets the rounding of %s pass and no more',
    (name) => {
      expect(setMetric(name, (old) => old * (1 + 1e-6))).toEqual([]);
      expect(setMetric(name, (old) => old * (1 + 1e-4))).toEqual([
        expect.stringMatching(`${name} of layer 1: expected`),
      ]);
    },
  );

  it('measures the mean of u by its largest, and a cosine by 1', () => {
    expect(setMetric('update_mean', (old) => old + 1e-7)).toEqual([]);
    expect(setMetric('update_mean', (old) => old + 1e-5)).toHaveLength(1);
    expect(setMetric('gradient_cosine', (old) => old + 1e-6)).toEqual([]);
    expect(setMetric('gradient_cosine', (old) => old + 1e-4)).toHaveLength(1);
  });

  it.each(['gradient_abs_max', 'update_small_fraction', 'gradient_sign_agreement'])(
    'wants %s as it is',
    (name) => {
      expect(setMetric(name, (old) => old + 1e-6)).toHaveLength(1);
    },
  );

  it('tells a value that is missing from one that is NaN', () => {
    expect(setMetric('rms', () => NaN)).toHaveLength(1);
    const missing = changed(({ layerMetrics }) => {
      new Uint32Array(layerMetrics.get('rms')!.buffer)[1] = input.missingBits!;
    });
    expect(missing).toHaveLength(1);
  });

  it.each(['counts', 'outside', 'edges'] as const)('wants every number of %s', (column) => {
    const faults = changed(({ histograms }) => {
      histograms.get('update')![column][3]! += 1;
    });
    expect(faults).toEqual([expect.stringContaining(`${column}/update[3]`)]);
  });

  it('misses what is not there', () => {
    expect(changed(({ layerMetrics }) => layerMetrics.delete('rms'))[0]).toContain('metrics');
    expect(changed(({ histograms }) => histograms.delete('ratio'))[0]).toContain('histograms');
  });
});
