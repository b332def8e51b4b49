import { describe, expect, it } from 'vitest';
import { axisTicks } from '@/lib/view/axes/axis-ticks';
import { stepAxis } from '@/lib/view/axes/step-axis';
import { prepareStepClock } from '@/lib/view/axes/step-clock';
import { placeOnAxis } from '@/lib/view/timelines/timeline-places';
import { TimelineSeries } from '@/lib/view/timelines/timeline-series';
import { utcZone } from '@/lib/view/text/wall-time';

/** A step every ten seconds from `start`, with an hour's pause before `pauseAt`. */
function clockOf(start: number, count: number, pauseAt = Infinity) {
  const series = new TimelineSeries(256);
  for (let step = 0; step < count; step++) {
    series.append(step, start + 10 * step + (step >= pauseAt ? 3600 : 0));
  }
  return prepareStepClock(series.columns)!;
}

const points = Array.from({ length: 12 }, (_, step) => ({ step, value: step }));

describe('points on an axis', () => {
  it('stand at their steps, or at the times of them', () => {
    const bySteps = stepAxis(0, 11, null, false);
    expect(placeOnAxis(points, bySteps).map(({ x }) => x)).toEqual(points.map(({ step }) => step));
    const byTime = stepAxis(0, 11, null, false, clockOf(5000, 12));
    expect(placeOnAxis(points, byTime).map(({ x }) => x)).toEqual(
      points.map(({ step }) => 5000 + 10 * step),
    );
  });

  it('are no line across a pause', () => {
    const axis = stepAxis(0, 11, null, false, clockOf(0, 12, 7));
    const placed = placeOnAxis(points, axis);
    expect(placed).toHaveLength(points.length + 1);
    const gap = placed.findIndex(({ value }) => value === null);
    expect(placed[gap - 1]?.value).toBe(6);
    expect(placed[gap + 1]?.value).toBe(7);
    expect(placed[gap]?.x).toBeGreaterThan(60);
    expect(placed[gap]?.x).toBeLessThan(3670);
  });

  it('of another attempt stand at their own times', () => {
    const axis = stepAxis(0, 11, null, false, clockOf(5000, 12));
    expect(placeOnAxis(points, axis, clockOf(100, 12))[3]?.x).toBe(130);
  });
});

describe('ticks of an axis', () => {
  it('are steps or times, each where it is', () => {
    const bySteps = axisTicks(stepAxis(0, 99, null, false), 1000, 5, utcZone);
    expect(bySteps.map(({ tick, pixel }) => [tick.text, pixel])).toContainEqual(['40', 405]);
    const byTime = axisTicks(stepAxis(0, 99, null, false, clockOf(60 * 60, 100)), 1000, 4, utcZone);
    expect(byTime.map(({ tick }) => tick.text)).toEqual(['01:00', '01:05', '01:10', '01:15']);
    expect(byTime[1]?.pixel).toBeCloseTo(305, 6);
  });
});
