'use client';

import { axisEnds, type StepAxis } from '@/lib/view/axes/step-axis';
import type { Tick } from '@/lib/view/axes/ticks';
import { shareOnAxis, type TimelineChart } from '@/lib/view/timelines/timeline-chart';
import { placeOnAxis } from '@/lib/view/timelines/timeline-places';
import { tracePath } from '@/lib/view/timelines/trace-path';
import { TickText } from '@/app/_components/tick-text';
import { stretch, type TimelineLine } from './scalar-timeline';
import styles from '../plot/plot.module.css';

/** The column is narrow: a number that would touch the one before it is left out. */
const LEAST_TICK_DISTANCE_PX = 30;
/** Its name and its numbers stand above it. */
const NAME_TOP = 3;
const TICKS_TOP = 18;
const FAINT = 0.35;
const NO_LINES: readonly TimelineLine[] = [];

/** One scalar beside the heatmap of the paper's layout: steps run downwards as there. */
export function TimelineColumn({
  chart,
  axis,
  drawnAxis,
  name,
  label,
  colour,
  limit,
  lines = NO_LINES,
  left,
  top,
  width,
  height,
}: {
  readonly chart: TimelineChart;
  readonly axis: StepAxis;
  /** The axis that `chart` was prepared for. */
  readonly drawnAxis: StepAxis;
  readonly name: string;
  readonly label: string;
  readonly colour: string;
  /** A value that is marked by a line along. */
  readonly limit?: number;
  /** Where one is not faint, the chart's own line is: it is the raw one behind. */
  readonly lines?: readonly TimelineLine[];
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}) {
  const isSmoothed = lines.some(({ isFaint }) => !isFaint);
  const frame = { ends: axisEnds(drawnAxis), width: height, height: width };
  return (
    <div role="img" aria-label={label}>
      <span className={styles['column_label']} style={{ left, width, top: NAME_TOP }} aria-hidden>
        {name}
      </span>
      {spacedTicks(chart, width).map((tick) => {
        const x = left + width * shareOnAxis(chart, tick.value);
        return (
          <div key={tick.value} aria-hidden>
            <span className={styles['x_tick']} style={{ left: x, top: TICKS_TOP }}>
              <TickText tick={tick} />
            </span>
            <span
              className={styles['group_rule']}
              style={{ left: x, top, width: 1, height, background: 'var(--line)' }}
            />
          </div>
        );
      })}
      <div className={styles['chart']} style={{ left, top, width, height }} aria-hidden>
        <div style={{ transform: stretch(drawnAxis, axis, height, 'Y'), transformOrigin: '0 0' }}>
          <svg width={width} height={height}>
            {limit === undefined ? null : (
              <line
                x1={width * shareOnAxis(chart, limit)}
                x2={width * shareOnAxis(chart, limit)}
                y1={0}
                y2={height}
                stroke="var(--loss-spike)"
                strokeDasharray="4 3"
              />
            )}
            {/* Drawn as over the other layout's heatmap, then turned: steps downwards, values to the right. */}
            <g transform={`matrix(0 1 -1 0 ${width} 0)`} fill="none" stroke={colour}>
              {lines.map(({ key, points, isFaint, clock }) => (
                <g key={key} className={styles['trace']} strokeOpacity={isFaint ? FAINT : 1}>
                  <path d={tracePath(placeOnAxis(points, drawnAxis, clock), chart, frame)} />
                </g>
              ))}
              <g className={styles['trace']} strokeOpacity={isSmoothed ? FAINT : 1}>
                <path d={tracePath(placeOnAxis(chart.points, drawnAxis), chart, frame)} />
              </g>
            </g>
          </svg>
        </div>
      </div>
    </div>
  );
}

function spacedTicks(chart: TimelineChart, width: number): Tick[] {
  let last = Infinity;
  const kept: Tick[] = [];
  for (const tick of [...chart.ticks].reverse()) {
    const x = width * shareOnAxis(chart, tick.value);
    if (last - x < LEAST_TICK_DISTANCE_PX) continue;
    kept.push(tick);
    last = x;
  }
  return kept;
}
