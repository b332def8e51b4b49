import type { TimelineChart } from './timeline-chart';
import type { PlacedPoint } from './timeline-places';

/** Where a trace is drawn: the ends of its axis in positions, and pixels. */
export interface TraceFrame {
  readonly ends: readonly [number, number];
  readonly width: number;
  readonly height: number;
}

/**
 * A line through points as the `d` of one SVG path; a null breaks it. Tenths of a pixel: a
 * path of a thousand points is written and parsed again several times a second.
 */
export function tracePath(
  points: readonly PlacedPoint[],
  { scale, domain }: Pick<TimelineChart, 'scale' | 'domain'>,
  { ends, width, height }: TraceFrame,
): string {
  const [start, end] = ends;
  const [low, high] = domain;
  // Values of a symlog axis are placed already: on it they are linear.
  const shareOf =
    scale === 'log'
      ? (value: number) => Math.log(value / low) / Math.log(high / low)
      : (value: number) => (value - low) / (high - low);
  let path = '';
  let isDown = false;
  for (const { x, value } of points) {
    if (value === null) {
      isDown = false;
      continue;
    }
    const left = tenths(((x - start) / (end - start)) * width);
    const top = tenths((1 - shareOf(value)) * height);
    path += `${isDown ? 'L' : 'M'}${left} ${top}`;
    isDown = true;
  }
  return path;
}

const tenths = (pixels: number): number => Math.round(pixels * 10) / 10;
