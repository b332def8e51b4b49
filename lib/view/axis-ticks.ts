import { axisEnds, pixelOfStep, type StepAxis } from './step-axis';
import { stepTicks, type Tick } from './ticks';
import { readersZone, timeTicks, type ZoneOffset } from './wall-time';

/** A tick and where it stands, in pixels from the start of the axis. */
export interface PlacedTick {
  readonly pixel: number;
  readonly tick: Tick;
}

/** Whole steps, or round times in the reader's zone: what the axis is one of. */
export function axisTicks(
  axis: StepAxis,
  lengthPx: number,
  count: number,
  zone: ZoneOffset = readersZone,
): PlacedTick[] {
  if (axis.clock === undefined) {
    return stepTicks(axis.low, axis.high, count).map((tick) => ({
      pixel: pixelOfStep(axis, lengthPx, tick.value),
      tick,
    }));
  }
  const [start, end] = axisEnds(axis);
  return timeTicks(start, end, count, zone).map(({ seconds, text }) => ({
    pixel: ((seconds - start) / (end - start)) * lengthPx,
    tick: { value: seconds, text, exponent: null },
  }));
}
