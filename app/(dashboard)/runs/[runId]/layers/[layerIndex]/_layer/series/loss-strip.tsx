'use client';

import { useRef, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';
import { TickText } from '@/app/_components/tick-text';
import { stepByReports } from '@/lib/view/layer/chosen-steps';
import { formatStep } from '@/lib/view/text/format-number';
import type { LossStrip } from '@/lib/view/layer/loss-strip';
import type { StageSegment } from '@/lib/view/layer/stage-strip';
import { stepToX } from '@/lib/view/timelines/trace';
import { StageStrip } from './stage-strip';
import styles from './loss-strip.module.css';

const UNIT = 1000;
const KEY_OFFSETS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -10,
  PageUp: 10,
  Home: -Infinity,
  End: Infinity,
};

const percent = (share: number) => `${(share * 100).toFixed(3)}%`;

/**
 * The loss over the window with the layer's stages and, on it, the chosen steps: each a
 * slider to the keyboard; a pointer takes the nearest, so that steps side by side can still
 * be told apart. The crosshair is shared with all charts over these steps.
 */
export function LossStripChart({
  view,
  steps,
  mainIndex,
  available,
  stages,
  lane,
  crosshairStep,
  onMove,
  onCrosshair,
}: {
  readonly view: LossStrip;
  readonly steps: readonly number[];
  readonly mainIndex: number;
  readonly available: readonly number[];
  readonly stages: readonly StageSegment[];
  /** Stands over the plot: marks of spikes. */
  readonly lane: ReactNode;
  readonly crosshairStep: number | null;
  readonly onMove: (index: number, step: number) => void;
  /** A place along the window, 0 to 1; null when the pointer has left. */
  readonly onCrosshair: (share: number | null) => void;
}) {
  const { window, trace } = view;
  const dragged = useRef<number | null>(null);

  const shareUnder = (event: PointerEvent<HTMLDivElement>): number => {
    const box = event.currentTarget.getBoundingClientRect();
    return (event.clientX - box.left) / box.width;
  };
  const stepUnder = (event: PointerEvent<HTMLDivElement>): number =>
    window.fromStep + shareUnder(event) * (window.toStep - window.fromStep);
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    const target = stepUnder(event);
    const distances = steps.map((step) => Math.abs(step - target));
    dragged.current = distances.indexOf(Math.min(...distances));
    event.currentTarget.setPointerCapture(event.pointerId);
    onMove(dragged.current, target);
  };
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    if (dragged.current !== null) onMove(dragged.current, stepUnder(event));
    onCrosshair(shareUnder(event));
  };
  const onPointerEnd = () => {
    dragged.current = null;
  };
  const onKeyDown = (index: number, event: KeyboardEvent) => {
    const offset = KEY_OFFSETS[event.key];
    const step = steps[index];
    if (offset === undefined || step === undefined) return;
    event.preventDefault();
    onMove(index, stepByReports(available, step, offset));
  };

  const path = trace.segments
    .map(
      (points) =>
        points
          .map(
            ({ x, y }, i) =>
              `${i === 0 ? 'M' : 'L'}${(x * UNIT).toFixed(1)} ${((1 - y) * UNIT).toFixed(1)}`,
          )
          .join('') + (points.length === 1 ? 'h.01' : ''),
    )
    .join('');
  return (
    <div>
      {lane}
      <div
        className={styles['plot']}
        onPointerLeave={() => onCrosshair(null)}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerEnd}
        onPointerCancel={onPointerEnd}
      >
        {view.lossTicks.map(({ tick, at }) => (
          <span key={tick.value} className={styles['level']} style={{ bottom: percent(at) }}>
            <span className={styles['level_text']}>
              <TickText tick={tick} />
            </span>
          </span>
        ))}
        <svg
          className={styles['trace']}
          viewBox={`0 0 ${UNIT} ${UNIT}`}
          preserveAspectRatio="none"
          aria-hidden
        >
          <path d={path} />
        </svg>
        {crosshairStep === null ? null : (
          <span
            className={styles['crosshair']}
            style={{ left: percent(stepToX(window, crosshairStep)) }}
            aria-hidden
          />
        )}
        {trace.nonFinite.map((at) => (
          <span key={at} className={styles['nonfinite']} style={{ left: percent(at) }}>
            NaN
          </span>
        ))}
        {steps.map((step, index) => (
          <span
            key={index}
            role="slider"
            tabIndex={0}
            aria-label={`Chosen step ${index + 1} of ${steps.length}`}
            aria-valuemin={available[0] ?? step}
            aria-valuemax={available.at(-1) ?? step}
            aria-valuenow={step}
            aria-valuetext={`step ${step}`}
            data-main={index === mainIndex || undefined}
            className={styles['handle']}
            style={{ left: percent(stepToX(window, step)) }}
            onKeyDown={(event) => onKeyDown(index, event)}
          />
        ))}
      </div>
      <div className={styles['axis']} aria-hidden>
        {view.stepTicks.map(({ tick, at }) => (
          <span key={tick.value} style={{ left: percent(at) }}>
            {formatStep(tick.value)}
          </span>
        ))}
        {crosshairStep === null ? null : (
          <span
            className={styles['crosshair_step']}
            style={{ left: percent(stepToX(window, crosshairStep)) }}
          >
            {formatStep(crosshairStep)}
          </span>
        )}
      </div>
      <StageStrip segments={stages} />
    </div>
  );
}
