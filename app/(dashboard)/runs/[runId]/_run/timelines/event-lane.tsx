'use client';

import Link from 'next/link';
import { prepareEventLane, type LaneItem } from '@/lib/view/timelines/event-lane';
import type { StepAxis } from '@/lib/view/axes/step-axis';
import { classNames } from '@/app/_design/class-names';
import { isMarkKind, Mark } from '@/app/_design/marks';
import { formatStep } from '@/lib/view/text/format-number';
import styles from '../plot/plot.module.css';

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
      {prepareEventLane(items, axis, width).map(({ kind, x, step, label, href }) =>
        isMarkKind(kind) ? (
          <li key={`${kind} ${step}`} style={{ left: x }}>
            <button
              type="button"
              title={href === undefined ? `${label}, step ${formatStep(step)}` : undefined}
              aria-label={`${label}, step ${formatStep(step)}`}
              onClick={() => onGo(step)}
            >
              <Mark kind={kind} />
            </button>
            {href === undefined ? null : (
              <span className={classNames(styles['event_card'], x > width / 2 && styles['late'])}>
                {label}, step {formatStep(step)}
                <Link
                  href={href}
                  prefetch={false}
                  aria-label={`Postmortem of ${label} at ${formatStep(step)}`}
                >
                  Postmortem
                </Link>
              </span>
            )}
          </li>
        ) : null,
      )}
    </ol>
  );
}
