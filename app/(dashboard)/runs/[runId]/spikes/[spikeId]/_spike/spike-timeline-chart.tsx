import type { SpikeTimeline, TimelineMark } from '@/lib/view/spikes/spike-timeline';
import { SPIKE_GUTTER } from '@/lib/view/spikes/spike-timeline';
import { isMarkKind, Mark } from '@/app/_design/marks';
import styles from './spike-timeline-chart.module.css';

const STROKES: Readonly<Record<TimelineMark['kind'], { colour: string; dash: string }>> = {
  first_movers: { colour: 'var(--rms-spike)', dash: '2 3' },
  onset: { colour: 'var(--loss-spike)', dash: '' },
  recovered: { colour: 'var(--text3)', dash: '2 3' },
};

/** Draws a prepared timeline: order, scales and words come from lib/view. */
export function SpikeTimelineChart({ timeline }: { readonly timeline: SpikeTimeline }) {
  const { width, height, lanes, interval, marks, events, stepTicks } = timeline;
  const top = lanes[0]?.top ?? 0;
  const bottom = lanes.at(-1)?.bottom ?? 0;
  return (
    <div className={styles['timeline']} style={{ height }}>
      <svg
        width={width}
        height={height}
        role="img"
        aria-label="Loss and gradient norm around the spike"
      >
        <rect
          x={interval.from}
          y={top}
          width={Math.max(1, interval.to - interval.from)}
          height={bottom - top}
          className={styles['interval']}
        />
        {lanes.map(({ key, label, top: from, ticks, lines, emptyReason }) => (
          <g key={key}>
            <text x={0} y={from + 10} className={styles['lane_name']}>
              {label}
            </text>
            {ticks.map(({ at, tick }) => (
              <g key={tick.value}>
                <line x1={SPIKE_GUTTER} x2={width} y1={at} y2={at} className={styles['grid']} />
                <text x={SPIKE_GUTTER - 6} y={at + 4} textAnchor="end">
                  {tick.text}
                  {tick.exponent === null ? null : (
                    <tspan dy={-4} fontSize={8}>
                      {tick.exponent}
                    </tspan>
                  )}
                </text>
              </g>
            ))}
            {emptyReason === null ? null : (
              <text x={SPIKE_GUTTER} y={from + 28}>
                {emptyReason}
              </text>
            )}
            {lines.map(({ attempt, path, isOwn }) => (
              <path key={attempt} d={path} className={styles[isOwn ? 'own' : 'other']} />
            ))}
          </g>
        ))}
        {marks.map(({ kind, x, label, side }) => (
          <g key={kind}>
            <line
              x1={x}
              x2={x}
              y1={4}
              y2={bottom}
              stroke={STROKES[kind].colour}
              strokeWidth={kind === 'onset' ? 1.5 : 1}
              strokeDasharray={STROKES[kind].dash}
            />
            <text
              x={x + (side === 'right' ? 5 : -5)}
              y={12}
              textAnchor={side === 'right' ? 'start' : 'end'}
              style={{ fill: STROKES[kind].colour }}
              className={styles['mark_name']}
            >
              {label}
            </text>
          </g>
        ))}
        {stepTicks.map(({ at, tick }) => (
          <text key={tick.value} x={at} y={bottom + 15} textAnchor="middle">
            {tick.text}
          </text>
        ))}
      </svg>
      <ul className={styles['events']} aria-label="What was posted around it">
        {events.map(({ kind, x, title }, index) =>
          isMarkKind(kind) ? (
            <li key={index} style={{ left: x }} title={title}>
              <Mark kind={kind} title={title} />
            </li>
          ) : null,
        )}
      </ul>
    </div>
  );
}
