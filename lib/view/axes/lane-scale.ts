import { linearTicks, logTicks, type Tick } from './ticks';

/** How a lane of a figure, one of several below each other, is laid out across its steps. */
export interface LaneScale {
  /** Where a value stands, in pixels from the figure's top. */
  readonly y: (value: number) => number;
  readonly ticks: readonly Tick[];
}

/** A line at either end keeps its whole width within the lane. */
const EDGE_PX = 2;

/**
 * The scale of all values of a lane: logarithmic where they are positive and span a decade,
 * from the lowest to the highest of them; where all are equal they stand in the middle.
 *
 * Empty    null
 * NaN/Inf  may not be among the values
 */
export function prepareLaneScale(
  values: readonly number[],
  { top, bottom }: { readonly top: number; readonly bottom: number },
): LaneScale | null {
  if (values.length === 0) return null;
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const isLog = low > 0 && high / low >= 10;
  const map = (value: number): number => (isLog ? Math.log10(value) : value);
  const span = map(high) - map(low);
  const height = bottom - top - 2 * EDGE_PX;
  return {
    y: (value) =>
      span > 0 ? bottom - EDGE_PX - ((map(value) - map(low)) / span) * height : (top + bottom) / 2,
    ticks: isLog ? logTicks(low, high, 4) : linearTicks(low, high, 3),
  };
}
