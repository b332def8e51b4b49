'use client';

import { prepareConfigDifference } from '@/lib/view/comparison/config-difference';
import { Button } from '@/app/_components/button';
import { DifferenceTable } from './difference-table';
import { LossOverlayChart } from './loss-overlay-chart';
import type { ChosenRuns } from './use-chosen-runs';
import { useRunSettings } from './use-run-settings';
import styles from './chosen-panel.module.css';

/** Columns beyond this cannot be compared by eye. */
const MOST_COMPARED = 12;

/** Raised from below once runs are chosen: what differs between them, and what to do with them. */
export function ChosenPanel({
  chosen,
  isShowingAll,
  isOverlaying,
  fault,
  onShowAll,
  onOverlay,
  onEdit,
  onPin,
}: {
  readonly chosen: ChosenRuns;
  readonly isShowingAll: boolean;
  readonly isOverlaying: boolean;
  /** Why the last change of a run did not work. */
  readonly fault: string | null;
  readonly onShowAll: (isShowingAll: boolean) => void;
  readonly onOverlay: (isOverlaying: boolean) => void;
  readonly onEdit: (ids: readonly string[]) => void;
  readonly onPin: (ids: readonly string[], isPinned: boolean) => void;
}) {
  const compared = chosen.runs.slice(0, MOST_COMPARED);
  const settings = useRunSettings(compared);
  const isAlone = compared.length === 1;
  const view = prepareConfigDifference(settings.runs, isShowingAll);
  const isPinned = chosen.runs.every(({ pinned }) => pinned);
  const ids = chosen.runs.map(({ id }) => id);
  const count = chosen.runs.length;
  const hasAll = !settings.isLoading && settings.error === null;
  return (
    <section className={styles['panel']} aria-label="Chosen runs">
      <div className={styles['head']}>
        <h2 className={styles['title']}>
          {count} {count === 1 ? 'run' : 'runs'} chosen
        </h2>
        <span className={styles['summary']} role="status">
          {!hasAll
            ? ''
            : isAlone && !isShowingAll
              ? 'choose another to see what differs'
              : view.summary}
          {count > MOST_COMPARED ? `, comparing the first ${MOST_COMPARED}` : ''}
        </span>
        <div className={styles['actions']}>
          <Button
            variant="quiet"
            aria-pressed={isOverlaying}
            onClick={() => onOverlay(!isOverlaying)}
          >
            {isAlone ? 'Draw loss' : 'Overlay losses'}
          </Button>
          <Button
            variant="quiet"
            aria-pressed={isShowingAll}
            onClick={() => onShowAll(!isShowingAll)}
          >
            All settings
          </Button>
          <Button variant="quiet" onClick={() => onEdit(ids)}>
            {isAlone ? 'Edit' : 'Edit tags'}
          </Button>
          <Button variant="quiet" onClick={() => onPin(ids, !isPinned)}>
            {isPinned ? 'Unpin' : 'Pin'}
          </Button>
          <Button variant="quiet" onClick={chosen.clear} title="Choose none (Esc)">
            Clear
          </Button>
        </div>
      </div>
      {fault === null ? null : (
        <p className={styles['fault']} role="alert">
          {fault}
        </p>
      )}
      {settings.error === null ? null : (
        <p className={styles['fault']} role="alert">
          The settings could not be read: {settings.error}{' '}
          <Button variant="link" onClick={settings.retry}>
            Try again
          </Button>
        </p>
      )}
      {settings.isLoading && settings.runs.length === 0 ? (
        <p className={styles['quiet']} role="status">
          Reading the settings.
        </p>
      ) : null}
      {isOverlaying || view.rows.length > 0 ? (
        // It scrolls, so the keyboard must reach it.
        <div className={styles['scroll']} tabIndex={0} role="region" aria-label="Comparison">
          {isOverlaying ? <LossOverlayChart runs={compared} /> : null}
          {view.rows.length > 0 ? <DifferenceTable view={view} /> : null}
        </div>
      ) : null}
    </section>
  );
}
