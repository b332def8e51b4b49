import { describe, expect, it } from 'vitest';
import { pauseSides, prepareStepClock, stepOfTime, timeOfStep } from '@/lib/view/axes/step-clock';
import { TimelineSeries } from '@/lib/view/timelines/timeline-series';

function seriesOf(...points: readonly (readonly [number, number])[]) {
  const series = new TimelineSeries(64);
  for (const [step, value] of points) series.append(step, value);
  return series.columns;
}

describe('the clock of a run', () => {
  const clock = prepareStepClock(seriesOf([10, 1000], [11, 1002], [12, 1004], [13, 1100]))!;

  it('says when a step was, and which step it was then', () => {
    expect(timeOfStep(clock, 11)).toBe(1002);
    expect(timeOfStep(clock, 11.5)).toBe(1003);
    for (const step of [9, 10, 10.25, 12, 12.75, 13, 20]) {
      expect(stepOfTime(clock, timeOfStep(clock, step))).toBeCloseTo(step, 9);
    }
  });

  it('goes on beyond its ends at the usual pace, which a pause does not change', () => {
    expect(timeOfStep(clock, 14)).toBe(1102);
    expect(timeOfStep(clock, 8)).toBe(996);
  });

  it('leaves a pause empty: what ends at it ends before it, what begins there after it', () => {
    expect(pauseSides(clock, 12.5)).toEqual({ ends: 1005, begins: 1099 });
    const inside = timeOfStep(clock, 12.5);
    expect(inside).toBeGreaterThan(1005);
    expect(inside).toBeLessThan(1099);
    expect(pauseSides(clock, 11.5)).toEqual({ ends: 1003, begins: 1003 });
  });

  it('passes over what is no time, such as nanoseconds', () => {
    const mixed = prepareStepClock(seriesOf([1, 100], [2, 1.7e18], [3, -5], [4, 106]))!;
    expect([...mixed.steps]).toEqual([1, 4]);
    expect(timeOfStep(mixed, 2)).toBe(102);
    expect(prepareStepClock(seriesOf([1, 1.7e18], [2, 1.8e18]))).toBeNull();
  });

  it('rises where the job’s clock was set back', () => {
    const turned = prepareStepClock(seriesOf([1, 100], [2, 90], [3, 95], [4, 110]))!;
    expect([...turned.seconds].every((time, i) => i === 0 || time > turned.seconds[i - 1]!)).toBe(
      true,
    );
    expect(timeOfStep(turned, 4)).toBe(110);
  });

  it('takes the first and the last time of a bucket for its first and last step', () => {
    const series = new TimelineSeries(64);
    const bucket = { nonFiniteCount: 0, mean: null };
    series.replace([
      { ...bucket, fromStep: 0, toStep: 9, min: 50, max: 59 },
      { ...bucket, fromStep: 10, toStep: 19, min: 60, max: 69 },
    ]);
    const read = prepareStepClock(series.columns)!;
    expect(timeOfStep(read, 4)).toBeCloseTo(54, 9);
    expect(timeOfStep(read, 15)).toBeCloseTo(65, 9);
  });

  it('is none without two times', () => {
    expect(prepareStepClock(seriesOf())).toBeNull();
    expect(prepareStepClock(seriesOf([5, 1000]))).toBeNull();
  });
});
