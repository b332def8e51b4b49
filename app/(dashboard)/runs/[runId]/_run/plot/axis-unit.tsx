import { readersZone, zoneName } from '@/lib/view/text/wall-time';
import { axisEnds } from '@/lib/view/axes/step-axis';
import type { RunPlotModel } from '../model/run-view-model';
import styles from './plot.module.css';

/** What the axis of steps is one of: a word that changes when it is clicked, where there are times. */
export function AxisUnit({
  model: { axis, onAxisUnit },
  width,
  top,
}: {
  readonly model: Pick<RunPlotModel, 'axis' | 'onAxisUnit'>;
  /** From the left edge of the plot to where the word ends. */
  readonly width: number;
  /** Its middle. */
  readonly top: number;
}) {
  const unit =
    axis.clock === undefined ? 'step' : `time, ${zoneName(axisEnds(axis)[1], readersZone)}`;
  return (
    <span className={styles['row_label']} style={{ width, top }}>
      {onAxisUnit === null ? (
        unit
      ) : (
        <button
          type="button"
          className={styles['scale_toggle']}
          title="Change between steps and the wall time of the training job"
          onClick={onAxisUnit}
        >
          {unit}
        </button>
      )}
    </span>
  );
}
