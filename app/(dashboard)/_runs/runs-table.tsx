'use client';

import type { KeyboardEvent, ReactNode } from 'react';
import type { RunSort } from '@/lib/contract/reads';
import type { RunGroup } from '@/lib/view/runs/runs-list';
import { Button } from '@/app/_components/button';
import { Icon } from '@/app/_design/icons';
import { ColumnHead } from './column-head';
import { RunRowMemo, type RowActions } from './run-row';
import type { HeldLayout } from './use-held-layout';
import styles from './runs-table.module.css';

/** The columns that every width has: spanning one that is hidden would give it a place. */
const LEAST_COLUMNS = 7;

/** The run whose row holds the element. */
function runOf(target: EventTarget): string | null {
  if (!(target instanceof HTMLElement)) return null;
  return target.closest<HTMLElement>('[data-run]')?.dataset['run'] ?? null;
}

/** Moves the focus to the name of the row before or after. */
function focusRow(table: HTMLElement, id: string | null, by: 1 | -1): void {
  const rows = [...table.querySelectorAll<HTMLElement>('[data-run]')];
  const at = rows.findIndex((row) => row.dataset['run'] === id);
  const next = rows[at + by];
  next?.querySelector<HTMLElement>('a')?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

/** The rows; ↑ ↓ move between them, X chooses, P pins and E edits the one that has the focus. */
export function RunsTable({
  held,
  isGrouped,
  isBusy,
  sort,
  onSort,
  chosen,
  actions,
  onToggleGroup,
  onStorage,
  emptyRow,
}: {
  readonly held: HeldLayout;
  readonly isGrouped: boolean;
  readonly isBusy: boolean;
  readonly sort: RunSort;
  readonly onSort: (sort: RunSort) => void;
  readonly chosen: readonly string[];
  readonly actions: RowActions;
  readonly onToggleGroup: (project: string) => void;
  readonly onStorage: (project: string) => void;
  /** What stands in the place of rows while there are none. */
  readonly emptyRow: ReactNode;
}) {
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const id = runOf(event.target);
    if (id === null) return;
    const keys: Readonly<Record<string, () => void>> = {
      ArrowDown: () => focusRow(event.currentTarget, id, 1),
      ArrowUp: () => focusRow(event.currentTarget, id, -1),
      j: () => focusRow(event.currentTarget, id, 1),
      k: () => focusRow(event.currentTarget, id, -1),
      x: () => actions.toggleChosen(id),
      p: () => actions.togglePinned(id),
      e: () => actions.edit(id),
    };
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };
  const head = { sort, onSort };
  return (
    <div {...held.holdProps}>
      <table className={styles['table']} aria-busy={isBusy} onKeyDown={onKeyDown}>
        <caption className="visually-hidden">Runs</caption>
        <thead>
          <tr>
            <th scope="col" data-column="choice">
              <span className="visually-hidden">Chosen</span>
            </th>
            <ColumnHead label="Run" sortKey="name" column="run" {...head} />
            <ColumnHead label="Status" sortKey="state" column="status" {...head} />
            <ColumnHead label="Events" sortKey="spikes" column="events" {...head} />
            <ColumnHead label="Worst stage" sortKey="stage" column="stage" {...head} />
            <th scope="col" data-column="trace">
              Loss
            </th>
            <ColumnHead label="last" sortKey="loss" column="loss" isNumber {...head} />
            <ColumnHead label="step" sortKey="step" column="step" isNumber {...head} />
            <ColumnHead label="steps/s" sortKey="speed" column="speed" isNumber {...head} />
            <ColumnHead label="heard" sortKey="heard" column="heard" isNumber {...head} />
          </tr>
        </thead>
        {held.groups.map((group) => (
          <tbody key={group.project}>
            {isGrouped ? (
              <GroupHead group={group} onToggle={onToggleGroup} onStorage={onStorage} />
            ) : null}
            {group.rows.map((row) => (
              <RunRowMemo
                key={row.id}
                row={row}
                isChosen={chosen.includes(row.id)}
                actions={actions}
              />
            ))}
          </tbody>
        ))}
        {emptyRow === null ? null : (
          <tbody>
            <tr className={styles['empty']}>
              <td colSpan={LEAST_COLUMNS}>{emptyRow}</td>
            </tr>
          </tbody>
        )}
      </table>
    </div>
  );
}

function GroupHead({
  group,
  onToggle,
  onStorage,
}: {
  readonly group: RunGroup;
  readonly onToggle: (project: string) => void;
  readonly onStorage: (project: string) => void;
}) {
  return (
    <tr className={styles['group']}>
      <th scope="rowgroup" colSpan={LEAST_COLUMNS}>
        <button
          type="button"
          className={styles['group_button']}
          aria-expanded={!group.isClosed}
          onClick={() => onToggle(group.project)}
        >
          <span className={styles['chevron']}>
            <Icon name={group.isClosed ? 'chevronRight' : 'chevronDown'} size={9} />
          </span>
          {group.project} <span className={styles['group_count']}>{group.count}</span>
        </button>
        <Button
          variant="link"
          className={styles['storage'] ?? ''}
          aria-label={`Storage of ${group.project}`}
          onClick={() => onStorage(group.project)}
        >
          Storage
        </Button>
      </th>
    </tr>
  );
}
