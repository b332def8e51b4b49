import { timeOfStep, type StepClock } from '../axes/step-clock';
import type { StepAxis } from '../axes/step-axis';
import type { TimelinePoint } from './timeline-chart';

/** A point at its position on the axis: a step, or the time of one. */
export interface PlacedPoint {
  readonly x: number;
  readonly value: number | null;
}

/**
 * Points on an axis. Over wall time the line breaks where the job paused, and a series of
 * another attempt has a clock of its own.
 */
export function placeOnAxis(
  points: readonly TimelinePoint[],
  axis: StepAxis,
  clock: StepClock | undefined = axis.clock,
): PlacedPoint[] {
  if (axis.clock === undefined || clock === undefined) {
    return points.map(({ step, value }) => ({ x: step, value }));
  }
  const { pauses } = clock;
  const placed: PlacedPoint[] = [];
  let pause = 0;
  let before = -Infinity;
  for (const { step, value } of points) {
    const x = timeOfStep(clock, step);
    while (pause < pauses.length && (pauses[pause] ?? Infinity) < before) pause++;
    if ((pauses[pause] ?? Infinity) < step && before !== -Infinity) {
      placed.push({ x: (x + (placed.at(-1)?.x ?? x)) / 2, value: null });
    }
    placed.push({ x, value });
    before = step;
  }
  return placed;
}
