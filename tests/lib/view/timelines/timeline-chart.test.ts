import { describe, expect, it } from 'vitest';
import {
  prepareOverlay,
  prepareTimelineChart,
  shareOnAxis,
} from '@/lib/view/timelines/timeline-chart';
import { TimelineSeries } from '@/lib/view/timelines/timeline-series';

function seriesOf(values: readonly (number | null)[]): TimelineSeries {
  const series = new TimelineSeries(10_000);
  series.replace(
    values.map((value, step) => ({
      fromStep: step,
      toStep: step,
      min: value,
      max: value,
      mean: value,
      nonFiniteCount: value === null ? 1 : 0,
    })),
  );
  return series;
}
const whole = (count: number) => ({ low: -0.5, high: count - 0.5 });

describe('the timeline chart', () => {
  it('keeps the single peak and dip of fifty thousand steps within a thousand points', () => {
    const values = Array.from({ length: 50_000 }, (_, step) =>
      step === 31_415 ? 9 : step === 2_718 ? 0.01 : 1,
    );
    const chart = prepareTimelineChart(seriesOf(values).columns, whole(50_000), 'log', 4);
    expect(chart.points.length).toBeLessThanOrEqual(1000);
    const drawn = chart.points.map(({ value }) => value!);
    expect(Math.max(...drawn)).toBe(9);
    expect(Math.min(...drawn)).toBe(0.01);
  });

  it('draws single steps as they are where they fit', () => {
    const chart = prepareTimelineChart(seriesOf([3, 2, 1]).columns, whole(3), 'linear', 4);
    expect(chart.points).toEqual([
      { step: 0, value: 3 },
      { step: 1, value: 2 },
      { step: 2, value: 1 },
    ]);
  });

  it('breaks the line at a NaN, marks it and gives a lone point a dot', () => {
    const chart = prepareTimelineChart(
      seriesOf([1, null, 2, null, 3, 3]).columns,
      whole(6),
      'log',
      4,
    );
    expect(chart.points.map(({ value }) => value)).toEqual([1, null, 2, null, 3, 3]);
    expect(chart.nonFiniteSteps).toEqual([1, 3]);
    expect(chart.isolated.map(({ step }) => step)).toEqual([0, 2]);
  });

  it('breaks the line where steps are missing', () => {
    const series = new TimelineSeries(100);
    for (const step of [1, 2, 3, 4, 40, 41, 42]) series.append(step, 1);
    const chart = prepareTimelineChart(series.columns, { low: 0, high: 50 }, 'linear', 4);
    expect(chart.points.filter(({ value }) => value === null)).toHaveLength(1);
  });

  it('falls back to a linear axis without positive values and holds zeros on a log one', () => {
    expect(prepareTimelineChart(seriesOf([0, -1]).columns, whole(2), 'log', 4).scale).toBe(
      'linear',
    );
    const chart = prepareTimelineChart(seriesOf([1, 0, 10]).columns, whole(3), 'log', 4);
    expect(chart.points[1]!.value).toBe(chart.domain[0]);
    expect(shareOnAxis(chart, chart.domain[1])).toBeCloseTo(1);
  });

  it('keeps its domain while values move within it', () => {
    const domainOf = (last: number) =>
      prepareTimelineChart(seriesOf([5, 0.004, last]).columns, whole(3), 'log', 4).domain;
    expect(domainOf(0.005)).toEqual(domainOf(4.9));
  });

  it('merges a long live series without losing its extremes', () => {
    const series = new TimelineSeries(100);
    for (let step = 0; step < 5000; step++) series.append(step, step === 1234 ? 77 : 1);
    const { length, max, toStep } = series.columns;
    expect(length).toBeLessThanOrEqual(200);
    expect(Math.max(...max)).toBe(77);
    expect(toStep[length - 1]).toBe(4999);
  });

  it('holds a value in sight that the series never reaches: where a line is drawn', () => {
    const { domain } = prepareTimelineChart(
      seriesOf([0.2, 0.3]).columns,
      { low: 0, high: 2 },
      'linear',
      3,
      { includes: [1] },
    );
    expect(domain[0]).toBeLessThanOrEqual(0.2);
    expect(domain[1]).toBeGreaterThanOrEqual(1);
  });

  it('shows both signs of a series on a symlog axis, 0 between them', () => {
    const { columns } = seriesOf([-1000, -1, 0, 1, 1000]);
    const chart = prepareTimelineChart(columns, whole(5), 'symlog', 6);
    const values = chart.points.map(({ value }) => value!);
    expect(values[2]).toBe(0);
    expect(values[0]).toBe(-values[4]!);
    const shares = [-1000, 0, 1000].map((value) => shareOnAxis(chart, value));
    expect(shares[0]! + shares[2]!).toBeCloseTo(1, 12);
    expect(shares[1]).toBeCloseTo(0.5, 12);
    expect(chart.ticks.map(({ value }) => Math.sign(value))).toEqual(
      expect.arrayContaining([-1, 0, 1]),
    );
  });

  it('places another series on its axes, whatever their scale', () => {
    const chart = prepareTimelineChart(seriesOf([1, 10, 100]).columns, whole(3), 'log', 4);
    const over = prepareOverlay(seriesOf([2, 0, 20]).columns, whole(3), chart);
    expect(over.map(({ value }) => value)).toEqual([2, chart.domain[0], 20]);
  });
});
