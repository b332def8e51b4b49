import { describe, expect, it } from 'vitest';
import {
  formatSmoothing,
  parseSmoothing,
  smoothSeries,
  toPerplexity,
} from '@/lib/view/timelines/smooth-series';
import { TimelineSeries } from '@/lib/view/timelines/timeline-series';

function seriesOf(values: readonly (number | null)[]) {
  const series = new TimelineSeries(1000);
  series.replace(
    values.map((value, step) => ({
      fromStep: step,
      toStep: step,
      min: value,
      max: value,
      mean: value,
      nonFiniteCount: 0,
    })),
  );
  return series.columns;
}

describe('smoothing', () => {
  it('leaves a constant as it is from its first step on', () => {
    for (const text of ['0.9', 'w3']) {
      const { max } = smoothSeries(seriesOf([2, 2, 2, 2]), parseSmoothing(text));
      for (const value of max) expect(value).toBeCloseTo(2, 12);
    }
  });

  it('weighs the past exponentially, divided by its own weights', () => {
    const { max, min } = smoothSeries(seriesOf([1, 3]), { kind: 'ema', weight: 0.5 });
    // (0.25·1 + 0.5·3) / 0.75
    expect([...max]).toEqual([1, 1.75 / 0.75]);
    expect([...min]).toEqual([...max]);
  });

  it('takes the mean of the last steps', () => {
    const { max } = smoothSeries(seriesOf([1, 2, 3, 4]), { kind: 'window', steps: 2 });
    expect([...max]).toEqual([1, 1.5, 2.5, 3.5]);
  });

  it('leaves a gap a gap and forgets nothing over it', () => {
    const ema = smoothSeries(seriesOf([1, null, 3]), { kind: 'ema', weight: 0.5 });
    expect(ema.max[1]).toBeNaN();
    expect(ema.max[2]).toBeCloseTo(1.75 / 0.75, 12);
    const mean = smoothSeries(seriesOf([1, null, 3]), { kind: 'window', steps: 3 });
    expect(mean.max[2]).toBe(2);
  });

  it('counts a bucket as often as it has steps', () => {
    const series = new TimelineSeries(1000);
    const bucket = { mean: null, nonFiniteCount: 0 };
    series.replace([
      { ...bucket, fromStep: 0, toStep: 2, min: 0, max: 2 },
      { ...bucket, fromStep: 3, toStep: 3, min: 5, max: 5 },
    ]);
    const { max } = smoothSeries(series.columns, { kind: 'window', steps: 10 });
    expect(max[1]).toBe((3 * 1 + 5) / 4);
  });

  it('is what the URL says, and nothing where that cannot be read', () => {
    for (const text of ['0.97', 'w50']) expect(formatSmoothing(parseSmoothing(text))).toBe(text);
    for (const text of [null, '', '1', '0', '0.0', 'w1', 'w', '-0.5', 'ema']) {
      expect(parseSmoothing(text)).toEqual({ kind: 'none' });
    }
  });
});

describe('perplexity', () => {
  it('is e to the loss', () => {
    expect([...toPerplexity(seriesOf([0, 1])).max]).toEqual([1, Math.E]);
  });
  it('that no number can hold counts as not finite', () => {
    const { max, nonFinite } = toPerplexity(seriesOf([800]));
    expect(max[0]).toBeNaN();
    expect(nonFinite[0]).toBe(1);
  });
});
