import { describe, expect, it } from 'vitest';
import type { Bucket } from '@/lib/contract/reads';
import { prepareTrace, valueToY } from '@/lib/view/timelines/trace';

function bucket(fromStep: number, values: readonly number[], toStep = fromStep): Bucket {
  const finite = values.filter(Number.isFinite);
  return {
    fromStep,
    toStep,
    min: finite.length === 0 ? null : Math.min(...finite),
    max: finite.length === 0 ? null : Math.max(...finite),
    mean: finite.length === 0 ? null : finite.reduce((a, b) => a + b, 0) / finite.length,
    nonFiniteCount: values.length - finite.length,
  };
}

const window = { fromStep: 0, toStep: 10 };

describe('a trace', () => {
  it('maps the first and last step and the lowest and highest value to 0 and 1', () => {
    const trace = prepareTrace([bucket(0, [2]), bucket(5, [4]), bucket(10, [3])], window, 'linear');
    expect(trace.segments).toEqual([
      [
        { x: 0, y: 0 },
        { x: 0.5, y: 1 },
        { x: 1, y: 0.5 },
      ],
    ]);
  });

  it('goes through both extremes of a bucket, so a one-step spike stays', () => {
    const trace = prepareTrace(
      [bucket(0, [1], 3), bucket(4, [1, 9, 1], 6), bucket(7, [1], 10)],
      window,
      'linear',
    );
    const ys = trace.segments.flat().map(({ y }) => y);
    expect(Math.max(...ys)).toBe(1);
    expect(trace.segments).toHaveLength(1);
    expect(trace.segments[0]).toHaveLength(4);
  });

  it('draws extremes that a pixel cannot tell apart as their mean, and no others', () => {
    const noise = [bucket(0, [1], 3), bucket(4, [1, 1.04], 6), bucket(7, [1, 2], 10)];
    const ys = prepareTrace(noise, window, 'linear', 0.05)
      .segments.flat()
      .map(({ y }) => y);
    expect(ys.map((y) => Number(y.toFixed(2)))).toEqual([0, 0.02, 0, 1]);
  });

  it('breaks where nothing finite was reported and marks what was not finite', () => {
    const trace = prepareTrace(
      [bucket(0, [1]), bucket(4, [NaN]), bucket(8, []), bucket(10, [2])],
      window,
      'linear',
    );
    expect(trace.segments.map((segment) => segment.length)).toEqual([1, 1]);
    expect(trace.nonFinite).toEqual([0.4]);
  });

  it('is logarithmic only while every value is positive', () => {
    const positive = [bucket(0, [0.01]), bucket(5, [1]), bucket(10, [100])];
    expect(prepareTrace(positive, window, 'log').segments[0]?.[1]?.y).toBeCloseTo(0.5, 12);
    const zero = [bucket(0, [0]), bucket(10, [100])];
    expect(prepareTrace(zero, window, 'log').scale).toBe('linear');
  });

  it('keeps to its window and lies in the middle when it is flat', () => {
    const trace = prepareTrace([bucket(-5, [1]), bucket(2, [7]), bucket(20, [9])], window, 'log');
    expect(trace.segments).toEqual([[{ x: 0.2, y: 0.5 }]]);
    expect(trace.high).toBe(7);
  });

  it('has a place for a level only where its scale has one', () => {
    const trace = prepareTrace([bucket(0, [0.01]), bucket(10, [100])], window, 'log');
    expect(valueToY(trace, 1)).toBeCloseTo(0.5, 12);
    expect(valueToY(trace, 0)).toBeNull();
    expect(valueToY(prepareTrace([], window, 'log'), 1)).toBeNull();
  });
});
