import { describe, expect, it } from 'vitest';
import {
  chooseMetric,
  prepareMetricOptions,
  referenceLevel,
} from '@/lib/view/heatmap/metric-options';

describe('metric options', () => {
  const options = prepareMetricOptions(['zeta', 'rms', 'gradient_norm', 'alpha']);

  it('stand in the standard order, custom ones after them by name', () => {
    expect(options.map(({ key }) => key)).toEqual([
      'gradient_norm',
      'gradient_norm_per_root_n',
      'rms',
      'alpha',
      'zeta',
    ]);
  });

  it('offer the stage, which has colours of its own', () => {
    expect(prepareMetricOptions(['stage', 'rms']).map(({ key, scale }) => [key, scale])).toEqual([
      ['rms', 'log'],
      ['stage', 'categorical'],
    ]);
  });

  it('read the stored norm where it is seen divided by √n', () => {
    expect(chooseMetric(options, 'gradient_norm_per_root_n')).toMatchObject({
      stored: 'gradient_norm',
      isPerRootN: true,
    });
  });

  it('fall back to the first when a link names what is not stored', () => {
    expect(chooseMetric(options, 'nope')?.key).toBe('gradient_norm');
    expect(chooseMetric([], null)).toBeNull();
  });

  it('break the hue at ε for gradients and nowhere for weights', () => {
    expect(referenceLevel('gradient_norm', 1e-5)).toEqual({ value: 1e-5, label: 'ε' });
    expect(referenceLevel('gradient_norm', undefined)).toBeNull();
    expect(referenceLevel('weight_norm', 1e-5)).toBeNull();
    expect(referenceLevel('rms', undefined)).toEqual({ value: 2.3, label: '2.3' });
  });
});
