import { axisEnds, pixelOfStep, type StepAxis } from './step-axis';
import { stepTicks, type Tick } from './ticks';
import { readersZone, timeTicks, type ZoneOffset } from '../text/wall-time';

/** A tick and where it stands, in pixels from the start of the axis. */
export interface PlacedTick {
  readonly pixel: number;
  readonly tick: Tick;
}

/** A character of a tick at its size, near enough. */
const CHARACTER_PX = 6.2;
/** So far a tick may reach over the ends: what names the axis ends there, its menu begins there. */
const GUTTER_PX = 4;

/**
 * Ticks along the bottom whose text does not run into what stands before the axis. One that
 * would reach into what stands after it is moved back by as much: its line stays at its step.
 */
export function clearOfEnds(
  ticks: readonly PlacedTick[],
  lengthPx: number,
): (PlacedTick & { readonly textPixel: number })[] {
  return ticks.flatMap(({ pixel, tick }) => {
    const half = (tick.text.length * CHARACTER_PX) / 2;
    if (pixel + GUTTER_PX < half) return [];
    return [{ pixel, tick, textPixel: Math.min(pixel, lengthPx + GUTTER_PX - half) }];
  });
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
