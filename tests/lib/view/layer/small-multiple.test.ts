import { describe, expect, it } from 'vitest';
import {
  describeMultiples,
  orderMetrics,
  prepareSmallMultiple,
  valueTextAt,
} from '@/lib/view/layer/small-multiple';

const points = [316, 317, 318, 319].map((step, i) => {
  const value = [1.01, 4.43, 3.1, 2.97][i]!;
  return { fromStep: step, toStep: step, min: value, max: value, mean: value, nonFiniteCount: 0 };
});
const window = { fromStep: 316, toStep: 319 };

describe('a metric under the crosshair', () => {
  it('is written as the metric is, and as missing where it was not reported', () => {
    const series = [{ metric: 'rms', points }];
    expect(valueTextAt(series, 'rms', 318)).toBe('3.10');
    expect(valueTextAt(series, 'rms', 400)).toBe('–');
    expect(valueTextAt(series, 'ratio_dip', 318)).toBe('–');
  });

  it('says that it is a mean where single steps are not kept', () => {
    const bucket = { fromStep: 320, toStep: 335, min: 1, max: 3, mean: 2, nonFiniteCount: 0 };
    const series = [{ metric: 'rms', points: [...points, bucket] }];
    expect(valueTextAt(series, 'rms', 328)).toBe('⌀2.00');
    expect(valueTextAt(series, 'rms', 319)).toBe('2.97');
  });

  it('is NaN where what was reported is no number', () => {
    const broken = { fromStep: 320, toStep: 320, min: null, max: null, mean: null };
    const series = [{ metric: 'rms', points: [...points, { ...broken, nonFiniteCount: 1 }] }];
    expect(valueTextAt(series, 'rms', 320)).toBe('NaN');
    const absent = [{ metric: 'rms', points: [{ ...broken, nonFiniteCount: 0 }] }];
    expect(valueTextAt(absent, 'rms', 320)).toBe('–');
  });
});

describe('a small multiple', () => {
  it('writes the values at the chosen steps as the metric is written', () => {
    const { label, values, marks } = prepareSmallMultiple(
      'rms',
      points,
      window,
      [316, 317, 319],
      1,
    );
    expect(label).toBe('RMS');
    expect(values).toEqual([
      { text: '1.01', isMain: false },
      { text: '4.43', isMain: true },
      { text: '2.97', isMain: false },
    ]);
    expect(marks).toEqual([0, 1 / 3, 1]);
  });

  it('shows the level that the metric is read against where it lies inside', () => {
    const inside = prepareSmallMultiple('rms', points, window, [317], 0).reference;
    expect(inside?.label).toBe('2.3');
    expect(inside?.y).toBeCloseTo(Math.log(2.3 / 1.01) / Math.log(4.43 / 1.01), 9);
    const calm = points.map((point) => ({ ...point, min: 1, max: 1.1, mean: 1.05 }));
    expect(prepareSmallMultiple('rms', calm, window, [317], 0).reference).toBeNull();
  });

  it('writes a dash for a step that reported nothing', () => {
    expect(prepareSmallMultiple('rms', points, window, [400], 0).values[0]?.text).toBe('–');
  });

  it('takes a metric of the run’s own by its name', () => {
    expect(prepareSmallMultiple('my_metric', points, window, [317], 0).label).toBe('my_metric');
  });
});

describe('the panels', () => {
  it('begin with what tells a spike apart and leave out the stage, which is no curve', () => {
    expect(orderMetrics(['weight_norm', 'stage', 'rms', 'mine', 'gradient_norm'])).toEqual([
      'gradient_norm',
      'rms',
      'weight_norm',
      'mine',
    ]);
  });

  it('say what is not among them', () => {
    expect(describeMultiples(window, 24, 31, 0)).toMatch(/^Steps 316–319 .* 24 of 31 metrics\.$/);
    expect(describeMultiples(window, 30, 31, 1)).toMatch(/1 of 31 metrics could not be read\.$/);
    expect(describeMultiples(window, 31, 31, 0)).toMatch(/on the loss\.$/);
    expect(describeMultiples(window, 0, 0, 0)).toBe('No layer metric is stored for this run.');
  });
});
