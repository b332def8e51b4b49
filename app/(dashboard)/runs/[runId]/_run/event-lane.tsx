'use client';

import { prepareEventLane, type LaneItem } from '@/lib/view/event-lane';
import type { StepAxis } from '@/lib/view/step-axis';
import { isMarkKind, Mark } from '@/app/_design/marks';
import { formatStep } from '@/lib/view/format-number';
import styles from './plot.module.css';

/** What happened, over the timelines: a mark each, and a way to go there. */
export function EventLane({
  items,
  axis,
  left,
  top,
  width,
  onGo,
}: {
  readonly items: readonly LaneItem[];
  readonly axis: StepAxis;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly onGo: (step: number) => void;
}) {
  return (
    <ol className={styles['events']} style={{ left, top, width }} aria-label="Events">
      {prepareEventLane(items, axis, width).map(({ kind, x, step, label }) =>
        isMarkKind(kind) ? (
          <li key={`${kind} ${step}`} style={{ left: x }}>
            <button
              type="button"
              title={`${label}, step ${formatStep(step)}`}
              aria-label={`${label}, step ${formatStep(step)}`}
              onClick={() => onGo(step)}
            >
              <Mark kind={kind} />
            </button>
          </li>
        ) : null,
      )}
    </ol>
  );
}
