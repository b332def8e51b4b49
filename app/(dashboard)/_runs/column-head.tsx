'use client';

import type { RunSort, RunSortKey } from '@/lib/contract/reads';
import { nextSort, sortDirection } from '@/lib/view/runs/runs-filter';
import { Icon } from '@/app/_design/icons';
import styles from './column-head.module.css';

/** The head of a column that sorts by it: its own order, the other way round, none. */
export function ColumnHead({
  label,
  sortKey,
  sort,
  onSort,
  column,
  isNumber = false,
}: {
  readonly label: string;
  readonly sortKey: RunSortKey;
  readonly sort: RunSort;
  readonly onSort: (sort: RunSort) => void;
  readonly column: string;
  readonly isNumber?: boolean;
}) {
  const direction = sortDirection(sort, sortKey);
  return (
    <th
      scope="col"
      data-column={column}
      className={isNumber ? styles['number'] : undefined}
      aria-sort={direction ?? 'none'}
    >
      <button
        type="button"
        className={styles['head']}
        onClick={() => onSort(nextSort(sort, sortKey))}
      >
        {label}
        {direction === null ? null : (
          <Icon name={direction === 'ascending' ? 'arrowUp' : 'arrowDown'} size={9} />
        )}
      </button>
    </th>
  );
}
