'use client';

import { useRef, useState, type ReactNode } from 'react';
import { axisTicks } from '@/lib/view/axes/axis-ticks';
import { clampWindow, pixelOfStep, stepOfPixel, type StepWindow } from '@/lib/view/axes/step-axis';
import type { TimelineChart } from '@/lib/view/timelines/timeline-chart';
import type { LaneItem } from '@/lib/view/timelines/event-lane';
import type { StepAxis } from '@/lib/view/axes/step-axis';
import { TickText } from '@/app/_components/tick-text';
import { useElementSize } from '@/app/_hooks/use-element-size';
import { EventLane } from './event-lane';
import { IntervalTints, type TimelineInterval } from './interval-tints';
import { ScalarTimeline } from './scalar-timeline';
import styles from '../plot/plot.module.css';

const LEFT = 64;
const RIGHT = 16;
const EVENTS_HEIGHT = 20;
const LOSS_HEIGHT = 76;
/** The menu stands under the scale of the loss. */
const MENU_LEFT = 12;
const OVERVIEW_HEIGHT = EVENTS_HEIGHT + LOSS_HEIGHT + 22;

/** The whole run above the paper's layout; the brush is the window below. */
export function Overview({
  chart,
  axis,
  lane,
  intervals,
  window,
  firstStep,
  newestStep,
  onWindow,
  onGo,
  menuAt,
}: {
  readonly chart: TimelineChart;
  readonly axis: StepAxis;
  readonly lane: readonly LaneItem[];
  readonly intervals: readonly TimelineInterval[];
  readonly window: StepWindow | null;
  readonly firstStep: number;
  readonly newestStep: number;
  readonly onWindow: (window: StepWindow | null) => void;
  readonly onGo: (step: number) => void;
  /** What the chart is taken along by, at its place. */
  readonly menuAt: (left: number, top: number) => ReactNode;
}) {
  const [ref, size] = useElementSize();
  const area = useRef<HTMLDivElement>(null);
  const [grip, setGrip] = useState<{ kind: 'new' | 'move'; step: number; from: StepWindow } | null>(
    null,
  );
  const width = Math.max(0, (size?.width ?? 0) - LEFT - RIGHT);
  const stepOf = (clientX: number) =>
    stepOfPixel(axis, width, clientX - (area.current?.getBoundingClientRect().left ?? 0));
  const x = (step: number) => pixelOfStep(axis, width, step);

  return (
    <div ref={ref} className={styles['plot']} style={{ height: OVERVIEW_HEIGHT }} data-overview>
      {width < 40 ? null : (
        <>
          <IntervalTints
            intervals={intervals}
            axis={axis}
            left={LEFT}
            width={width}
            height={EVENTS_HEIGHT + LOSS_HEIGHT}
          />
          <p className={styles['title']} style={{ top: 0 }}>
            Loss
          </p>
          <ScalarTimeline
            chart={chart}
            axis={axis}
            drawnAxis={axis}
            label="Loss of the whole run"
            colour="var(--trace)"
            newestStep={null}
            left={LEFT}
            top={EVENTS_HEIGHT}
            width={width}
            height={LOSS_HEIGHT}
            gridEnd={LEFT + width}
          />
          <div
            ref={area}
            style={{
              position: 'absolute',
              left: LEFT,
              top: EVENTS_HEIGHT,
              width,
              height: LOSS_HEIGHT,
              cursor: 'crosshair',
              touchAction: 'none',
            }}
            onPointerDown={(event) => {
              if (event.button !== 0) return;
              event.currentTarget.setPointerCapture(event.pointerId);
              const step = stepOf(event.clientX);
              const isInside = window !== null && window.fromStep <= step && step <= window.toStep;
              setGrip({
                kind: isInside ? 'move' : 'new',
                step,
                from: window ?? { fromStep: step, toStep: step },
              });
            }}
            onPointerMove={(event) => {
              if (grip === null) return;
              const step = stepOf(event.clientX);
              const moved =
                grip.kind === 'move'
                  ? {
                      fromStep: grip.from.fromStep + step - grip.step,
                      toStep: grip.from.toStep + step - grip.step,
                    }
                  : { fromStep: Math.min(grip.step, step), toStep: Math.max(grip.step, step) };
              if (step !== grip.step) onWindow(clampWindow(moved, firstStep, newestStep));
            }}
            onPointerUp={() => setGrip(null)}
            onPointerCancel={() => setGrip(null)}
            onDoubleClick={() => onWindow(null)}
          >
            {window === null ? null : (
              <div
                className={styles['brush']}
                style={{
                  left: x(window.fromStep - 0.5),
                  width: Math.max(2, x(window.toStep + 0.5) - x(window.fromStep - 0.5)),
                  top: 0,
                  height: LOSS_HEIGHT,
                }}
              />
            )}
          </div>
          <EventLane items={lane} axis={axis} left={LEFT} top={0} width={width} onGo={onGo} />
          {axisTicks(axis, width, Math.max(2, Math.floor(width / 120))).map(({ pixel, tick }) => (
            <span
              key={tick.value}
              className={styles['x_tick']}
              style={{ left: LEFT + pixel, top: EVENTS_HEIGHT + LOSS_HEIGHT + 2 }}
              aria-hidden
            >
              <TickText tick={tick} />
            </span>
          ))}
          {menuAt(MENU_LEFT, EVENTS_HEIGHT + LOSS_HEIGHT - 2)}
        </>
      )}
    </div>
  );
}
