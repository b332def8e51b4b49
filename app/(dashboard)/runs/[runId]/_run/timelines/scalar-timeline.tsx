'use client';

import { memo } from 'react';
import { LineChart, ReferenceDot, ReferenceLine, XAxis, YAxis } from 'recharts';
import { axisEnds, pixelOfStep, positionOnAxis, type StepAxis } from '@/lib/view/axes/step-axis';
import type { StepClock } from '@/lib/view/axes/step-clock';
import {
  drawnScale,
  shareOnAxis,
  type TimelineChart,
  type TimelinePoint,
} from '@/lib/view/timelines/timeline-chart';
import { placeOnAxis } from '@/lib/view/timelines/timeline-places';
import { tracePath } from '@/lib/view/timelines/trace-path';
import { TickText } from '@/app/_components/tick-text';
import styles from '../plot/plot.module.css';

/** A line over or behind the one of the chart, on its axes. */
export interface TimelineLine {
  readonly key: string;
  readonly points: readonly TimelinePoint[];
  readonly isFaint: boolean;
  /** Of another attempt, whose steps were at other times; absent where they are the chart's. */
  readonly clock?: StepClock;
}

const NO_LINES: readonly TimelineLine[] = [];
const FAINT = 0.35;

/**
 * One scalar over steps. The chart covers the plot alone; its axes are drawn beside it, so
 * that its pixels are those of the heatmap below. recharts draws for `drawnAxis`, a few
 * times a second; in between, while a zoom is on, its picture is stretched to `axis`.
 */
export function ScalarTimeline({
  chart,
  axis,
  drawnAxis,
  label,
  left,
  top,
  width,
  height,
  gridEnd,
  ...drawing
}: {
  readonly chart: TimelineChart;
  readonly axis: StepAxis;
  /** The axis that `chart` was prepared for. */
  readonly drawnAxis: StepAxis;
  readonly label: string;
  readonly colour: string;
  /** Where a dotted "now" stands; null for none. */
  readonly newestStep: number | null;
  /** A value that is marked by a line across. */
  readonly limit?: number;
  /** Where one is not faint, the chart's own line is: it is the raw one behind. */
  readonly lines?: readonly TimelineLine[];
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Grid lines run on to here, past the plot. */
  readonly gridEnd: number;
}) {
  const ticks = chart.ticks
    .map((tick) => ({ tick, y: Math.round(height * (1 - shareOnAxis(chart, tick.value))) + 0.5 }))
    // A number at an edge would stand among those of the chart beside.
    .filter(({ y }) => y > LEAST_TICK_PX && y < height - LEAST_TICK_PX);
  return (
    <div className={styles['lane']} style={{ top, height }} role="img" aria-label={label}>
      <svg className={styles['grid']} width={gridEnd} height={height} aria-hidden>
        {ticks.map(({ tick, y }) => (
          <line key={tick.value} x1={left} x2={gridEnd} y1={y} y2={y} stroke="var(--line)" />
        ))}
      </svg>
      {ticks.map(({ tick, y }) => (
        <span
          key={tick.value}
          className={styles['y_tick']}
          style={{ top: y, width: left - 8 }}
          aria-hidden
        >
          <TickText tick={tick} />
        </span>
      ))}
      <div className={styles['chart']} style={{ left, width, height }} aria-hidden>
        <div style={{ transform: stretch(drawnAxis, axis, width, 'X'), transformOrigin: '0 0' }}>
          <Drawing chart={chart} axis={drawnAxis} width={width} height={height} {...drawing} />
        </div>
      </div>
    </div>
  );
}

/** The CSS transform that puts a picture drawn for one axis under another. */
export function stretch(
  drawn: StepAxis,
  axis: StepAxis,
  lengthPx: number,
  direction: 'X' | 'Y',
): string | undefined {
  // From steps to times there is no stretching: the picture stays until it is drawn anew.
  if ((drawn.clock === undefined) !== (axis.clock === undefined)) return undefined;
  const [drawnStart, drawnEnd] = axisEnds(drawn);
  const [start, end] = axisEnds(axis);
  if (drawnStart === start && drawnEnd === end) return undefined;
  const offset = ((drawnStart - start) / (end - start)) * lengthPx;
  const scale = (drawnEnd - drawnStart) / (end - start);
  return `translate${direction}(${offset}px) scale${direction}(${scale})`;
}

/**
 * recharts lays out axes and marks; the lines are paths of our own. Its own lines cost as
 * much for every point as the whole of one here, four times a second under a live run.
 */
const Drawing = memo(function Drawing({
  chart,
  axis,
  colour,
  newestStep,
  limit,
  lines = NO_LINES,
  width,
  height,
}: {
  readonly chart: TimelineChart;
  readonly axis: StepAxis;
  readonly colour: string;
  readonly newestStep: number | null;
  readonly limit?: number;
  readonly lines?: readonly TimelineLine[];
  readonly width: number;
  readonly height: number;
}) {
  const isSmoothed = lines.some(({ isFaint }) => !isFaint);
  const frame = { ends: axisEnds(axis), width, height };
  return (
    <>
      <LineChart
        width={width}
        height={height}
        margin={{ top: 0, right: 0, bottom: 0, left: 0 }}
        accessibilityLayer={false}
      >
        <XAxis dataKey="x" type="number" domain={[...axisEnds(axis)]} allowDataOverflow hide />
        <YAxis
          type="number"
          scale={drawnScale(chart)}
          domain={[chart.domain[0], chart.domain[1]]}
          allowDataOverflow
          hide
          width={0}
        />
        {newestStep === null ? null : (
          <ReferenceLine
            x={positionOnAxis(axis, newestStep + 0.5)}
            stroke="var(--text3)"
            strokeDasharray="2 3"
          />
        )}
        {limit === undefined ? null : (
          <ReferenceLine y={limit} stroke="var(--loss-spike)" strokeDasharray="4 3" />
        )}
        {lines.map(({ key, points, isFaint, clock }) => (
          <g key={key} className={styles['trace']} strokeOpacity={isFaint ? FAINT : 1}>
            <path
              d={tracePath(placeOnAxis(points, axis, clock), chart, frame)}
              stroke={colour}
              fill="none"
            />
          </g>
        ))}
        <g className={styles['trace']} strokeOpacity={isSmoothed ? FAINT : 1}>
          <path
            d={tracePath(placeOnAxis(chart.points, axis), chart, frame)}
            stroke={colour}
            fill="none"
          />
        </g>
        {chart.isolated.map(({ step, value }) =>
          value === null ? null : (
            <ReferenceDot
              key={step}
              x={positionOnAxis(axis, step)}
              y={value}
              r={1.6}
              fill={colour}
              stroke="none"
            />
          ),
        )}
      </LineChart>
      <NonFiniteMarks steps={chart.nonFiniteSteps} axis={axis} width={width} />
    </>
  );
});

/** Nearer to an edge a tick is left out. */
const LEAST_TICK_PX = 5;

/** Marks enough to see where; a loss that is NaN for a thousand steps is one row of them. */
const LEAST_MARK_DISTANCE_PX = 8;

function NonFiniteMarks({
  steps,
  axis,
  width,
}: {
  readonly steps: readonly number[];
  readonly axis: StepAxis;
  readonly width: number;
}) {
  let last = -Infinity;
  const places: number[] = [];
  for (const step of steps) {
    const x = pixelOfStep(axis, width, step);
    if (x < 0 || x > width || x - last < LEAST_MARK_DISTANCE_PX) continue;
    places.push(x);
    last = x;
  }
  if (places.length === 0) return null;
  return (
    <svg className={styles['grid']} width={width} height={12}>
      {places.map((x) => (
        <path
          key={x}
          d={`M${x - 3} 3l6 6m0-6l-6 6`}
          stroke="var(--divergence)"
          strokeWidth={1.8}
          fill="none"
        />
      ))}
    </svg>
  );
}
