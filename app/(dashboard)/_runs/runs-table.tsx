'use client';

import { Fragment, useState, type PointerEvent } from 'react';
import type { RunGroup, RunRow } from '@/lib/view/runs-list';
import { RunRowMemo, type RunColumns } from './run-row';
import styles from './runs-table.module.css';

/** Which rows stand where, without what they say. */
interface Layout {
  readonly groups: readonly { readonly project: string; readonly ids: readonly string[] }[];
}

function layoutOf(groups: readonly RunGroup[]): Layout {
  return {
    groups: groups.map(({ project, rows }) => ({ project, ids: rows.map(({ id }) => id) })),
  };
}

function hold(layout: Layout, rows: ReadonlyMap<string, RunRow>): readonly RunGroup[] {
  return layout.groups.map(({ project, ids }) => ({
    project,
    rows: ids.flatMap((id) => rows.get(id) ?? []),
  }));
}

/**
 * The rows. While a mouse is over them their places are held, so that nothing jumps
 * under the pointer; what they say goes on. New runs take their place when it leaves.
 */
export function RunsTable({
  groups,
  rowsById,
  isGrouped,
}: {
  readonly groups: readonly RunGroup[];
  /** Every run, filters aside: a held row may have left the filter meanwhile. */
  readonly rowsById: ReadonlyMap<string, RunRow>;
  readonly isGrouped: boolean;
}) {
  const [held, setHeld] = useState<Layout | null>(null);
  const onPointerEnter = (event: PointerEvent) => {
    if (event.pointerType === 'mouse') setHeld(layoutOf(groups));
  };
  const drawn = held === null ? groups : hold(held, rowsById);
  const heldIds = new Set(held?.groups.flatMap(({ ids }) => ids));
  const waitingCount =
    held === null
      ? 0
      : groups.flatMap(({ rows }) => rows).filter(({ id }) => !heldIds.has(id)).length;
  const all = Array.from(rowsById.values());
  const columns: RunColumns = {
    hasEvents: all.some(({ spikeCount }) => spikeCount > 0),
    hasStages: all.some(({ worstStage }) => worstStage !== null),
  };
  const columnCount = 8 + Number(columns.hasEvents);
  return (
    <div
      className={styles['list']}
      onPointerEnter={onPointerEnter}
      onPointerLeave={() => setHeld(null)}
    >
      <table className={styles['table']}>
        <caption className="visually-hidden">Runs</caption>
        <thead>
          <tr>
            <th scope="col" className={styles['run']}>
              Run
            </th>
            <th scope="col" className={styles['status']}>
              Status
            </th>
            {columns.hasEvents ? (
              <th scope="col" className={styles['events_cell']}>
                Events
              </th>
            ) : null}
            <th scope="col" className={styles['stage']}>
              {columns.hasStages ? 'Worst stage' : 'Layers'}
            </th>
            <th scope="col" className={styles['loss']}>
              Loss
            </th>
            <th scope="col" className={styles['number']}>
              last
            </th>
            <th scope="col" className={styles['number']}>
              step
            </th>
            <th scope="col" className={styles['number']}>
              steps/s
            </th>
            <th scope="col" className={styles['number']}>
              heard
            </th>
          </tr>
        </thead>
        {drawn.map(({ project, rows }) => (
          <Fragment key={project}>
            <tbody>
              {isGrouped ? (
                <tr className={styles['group']}>
                  <th scope="rowgroup" colSpan={columnCount}>
                    {project} <span className={styles['group_count']}>{rows.length}</span>
                  </th>
                </tr>
              ) : null}
              {rows.map((row) => (
                <RunRowMemo key={row.id} row={row} columns={columns} />
              ))}
            </tbody>
          </Fragment>
        ))}
      </table>
      <p className={styles['waiting']} role="status">
        {waitingCount === 0
          ? ''
          : `${waitingCount} more ${waitingCount === 1 ? 'run takes its' : 'runs take their'} place when the pointer leaves the list`}
      </p>
    </div>
  );
}
