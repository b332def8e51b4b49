'use client';

import { Line, LineChart, ReferenceLine, XAxis, YAxis } from 'recharts';
import { axisEnds, type StepAxis } from '@/lib/view/step-axis';
import type { Tick } from '@/lib/view/ticks';
import { drawnScale, shareOnAxis, type TimelineChart } from '@/lib/view/timeline-chart';
import { placeOnAxis, type PlacedPoint } from '@/lib/view/timeline-places';
import { TickText } from '@/app/_components/tick-text';
import { stretch, type TimelineLine } from './scalar-timeline';
import styles from './plot.module.css';

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
  const line = {
    dataKey: 'value',
    type: 'linear',
    stroke: colour,
    className: styles['trace'] ?? '',
    dot: false,
    activeDot: false,
    connectNulls: false,
    isAnimationActive: false,
  } as const;
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
          <LineChart
            layout="vertical"
            width={width}
            height={height}
            data={withGaps(placeOnAxis(chart.points, drawnAxis))}
            margin={{ top: 0, right: 0, bottom: 0, left: 0 }}
            accessibilityLayer={false}
          >
            <XAxis
              type="number"
              scale={drawnScale(chart)}
              domain={[chart.domain[0], chart.domain[1]]}
              allowDataOverflow
              hide
              height={0}
            />
            <YAxis
              dataKey="x"
              type="number"
              domain={[...axisEnds(drawnAxis)]}
              allowDataOverflow
              hide
              width={0}
            />
            {limit === undefined ? null : (
              <ReferenceLine x={limit} stroke="var(--loss-spike)" strokeDasharray="4 3" />
            )}
            {lines.map(({ key, points, isFaint, clock }) => (
              <Line
                key={key}
                data={withGaps(placeOnAxis(points, drawnAxis, clock))}
                {...line}
                strokeOpacity={isFaint ? FAINT : 1}
              />
            ))}
            <Line {...line} strokeOpacity={isSmoothed ? FAINT : 1} />
          </LineChart>
        </div>
      </div>
    </div>
  );
}

/** With steps downwards recharts passes over a null and draws across; NaN breaks the line. */
function withGaps(points: readonly PlacedPoint[]): { x: number; value: number }[] {
  return points.map(({ x, value }) => ({ x, value: value ?? NaN }));
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
