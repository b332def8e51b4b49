import { pixelOfStep, type StepAxis } from '@/lib/view/axes/step-axis';
import styles from '../plot/plot.module.css';

/** An interval that is tinted behind the timelines: a spike from onset to recovery. */
export interface TimelineInterval {
  readonly id: string;
  readonly fromStep: number;
  readonly toStep: number;
}

/** Spikes behind the events and the timelines; never over the heatmap. */
export function IntervalTints({
  intervals,
  axis,
  left,
  width,
  height,
}: {
  readonly intervals: readonly TimelineInterval[];
  readonly axis: StepAxis;
  readonly left: number;
  readonly width: number;
  readonly height: number;
}) {
  return intervals.map(({ id, fromStep, toStep }) => {
    const from = Math.max(0, pixelOfStep(axis, width, fromStep - 0.5));
    const to = Math.min(width, pixelOfStep(axis, width, toStep + 0.5));
    return to <= from ? null : (
      <div
        key={id}
        className={styles['tint']}
        style={{ left: left + from, width: Math.max(1, to - from), height }}
      />
    );
  });
}
