/** Two courses on one axis of steps around a step of each, as geometry. */
import type { Bucket } from '../../contract/reads';
import { formatStep, TRUE_MINUS } from '../text/format-number';
import { prepareLaneScale } from '../axes/lane-scale';
import { stepTicks, type Tick } from '../axes/ticks';

export interface AlignedCourse {
  readonly side: 'left' | 'right';
  /** The step that is 0. */
  readonly step: number;
  /** 'reading' and 'failed': not known yet, or not at all. */
  readonly points: readonly Bucket[] | 'reading' | 'failed';
}

export interface AlignedLaneInput {
  readonly key: string;
  readonly label: string;
  readonly height: number;
  readonly courses: readonly AlignedCourse[];
}

export interface AlignedLane {
  readonly key: string;
  readonly label: string;
  readonly top: number;
  readonly bottom: number;
  readonly ticks: readonly { readonly at: number; readonly tick: Tick }[];
  readonly lines: readonly {
    readonly side: 'left' | 'right';
    readonly path: string;
    /** Where it was not finite. */
    readonly nonFinite: readonly number[];
  }[];
  /** Why there is no line; null where there is one. */
  readonly emptyReason: string | null;
}

export interface AlignedMark {
  readonly side: 'left' | 'right';
  readonly x: number;
  readonly title: string;
}

export interface AlignedChart {
  readonly width: number;
  readonly height: number;
  readonly lanes: readonly AlignedLane[];
  readonly zero: number;
  readonly marks: readonly AlignedMark[];
  readonly stepTicks: readonly { readonly at: number; readonly tick: Tick }[];
}

export interface AlignedWindow {
  /** Steps before 0, and after it. */
  readonly before: number;
  readonly after: number;
}

export const ALIGNED_GUTTER = 72;
const TOP = 18;
const GAP = 24;
const AXIS = 20;

/**
 * Lanes below each other on one axis of relative steps; in each, both courses on one scale,
 * logarithmic where they are positive and span a decade. A bucket is drawn by its extremes.
 *
 * Empty  a lane without a finite value says so
 */
export function prepareAligned(
  lanes: readonly AlignedLaneInput[],
  window: AlignedWindow,
  widthPx: number,
  marks: readonly {
    readonly side: 'left' | 'right';
    readonly at: number;
    readonly title: string;
  }[],
): AlignedChart {
  const span = window.before + window.after + 1;
  const x = (relative: number): number =>
    ALIGNED_GUTTER +
    ((relative + window.before + 0.5) / span) * Math.max(1, widthPx - ALIGNED_GUTTER);
  let y = TOP;
  const prepared = lanes.map((lane) => {
    const top = y;
    y += lane.height + GAP;
    return prepareLane(lane, top, x, window);
  });
  const count = Math.max(2, Math.floor((widthPx - ALIGNED_GUTTER) / 80));
  return {
    width: widthPx,
    height: y - GAP + AXIS,
    lanes: prepared,
    zero: x(0),
    marks: marks
      .filter(({ at }) => at >= -window.before && at <= window.after)
      .map(({ side, at, title }) => ({ side, title, x: x(at) })),
    stepTicks: stepTicks(-window.before, window.after, count).map((tick) => ({
      at: x(tick.value),
      tick: tick.value > 0 ? { ...tick, text: `+${tick.text}` } : tick,
    })),
  };
}

function prepareLane(
  { key, label, height, courses }: AlignedLaneInput,
  top: number,
  x: (relative: number) => number,
  window: AlignedWindow,
): AlignedLane {
  const bottom = top + height;
  const place = { key, label, top, bottom };
  const inside = courses.map(({ step, points, ...rest }) => ({
    ...rest,
    points: (typeof points === 'string' ? [] : points)
      .map((point) => ({ ...point, at: (point.fromStep + point.toStep) / 2 - step }))
      .filter(({ at }) => at >= -window.before && at <= window.after),
  }));
  const finite = inside.flatMap(({ points }) =>
    points.flatMap(({ min, max }) => (min === null || max === null ? [] : [min, max])),
  );
  const scale = prepareLaneScale(finite, place);
  if (scale === null) {
    return { ...place, ticks: [], lines: [], emptyReason: reasonOf(courses) };
  }
  const { y, ticks } = scale;
  return {
    ...place,
    ticks: ticks.map((tick) => ({ tick, at: y(tick.value) })),
    lines: inside.map(({ side, points }) => ({
      side,
      path: pathOf(points, x, y),
      nonFinite: points.filter(({ nonFiniteCount }) => nonFiniteCount > 0).map(({ at }) => x(at)),
    })),
    emptyReason: null,
  };
}

/** What is not known is not said to be missing. */
function reasonOf(courses: readonly AlignedCourse[]): string {
  if (courses.some(({ points }) => points === 'reading')) return 'Reading…';
  return courses.some(({ points }) => points === 'failed')
    ? 'could not be read'
    : 'not reported over these steps';
}

function pathOf(
  points: readonly (Bucket & { readonly at: number })[],
  x: (relative: number) => number,
  y: (value: number) => number,
): string {
  let path = '';
  let isOpen = false;
  for (const { at, min, max } of points) {
    if (min === null || max === null) {
      isOpen = false;
      continue;
    }
    const first = `${x(at).toFixed(1)} ${y(max).toFixed(1)}`;
    // A point between two gaps is a dot.
    path += isOpen ? `L${first}` : `M${first}h.01`;
    if (min !== max) path += `L${x(at).toFixed(1)} ${y(min).toFixed(1)}`;
    isOpen = true;
  }
  return path;
}

/** "−3", "0", "+12". */
export function formatRelative(steps: number): string {
  if (steps === 0) return '0';
  return steps > 0 ? `+${formatStep(steps)}` : `${TRUE_MINUS}${formatStep(-steps)}`;
}
