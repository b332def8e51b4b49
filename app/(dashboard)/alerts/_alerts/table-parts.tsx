'use client';

import { Button } from '@/app/_components/button';
import styles from './alerts-page.module.css';
import table from './alerts-table.module.css';

/** The first row of a list: names of columns by their keys in the style sheet. */
export function TableHead({
  columns,
}: {
  readonly columns: readonly { readonly key: string; readonly label: string }[];
}) {
  return (
    <thead>
      <tr>
        {columns.map(({ key, label }) => (
          <th key={key} scope="col" data-column={key}>
            {key === 'actions' ? <span className="visually-hidden">{label}</span> : label}
          </th>
        ))}
      </tr>
    </thead>
  );
}

/** Whether a rule watches, or a channel is sent to. */
export function RowSwitch({
  label,
  isOn,
  onToggle,
}: {
  readonly label: string;
  readonly isOn: boolean;
  readonly onToggle: () => void;
}) {
  return (
    <label className={styles['switch']}>
      <input type="checkbox" role="switch" aria-label={label} checked={isOn} onChange={onToggle} />
      <span className={styles['knob']} aria-hidden />
    </label>
  );
}

export interface RowAction {
  readonly label: string;
  readonly onClick: () => void;
  readonly isDisabled?: boolean;
}

/** What can be done with a row; each names the row to who cannot see it. */
export function RowActions({
  name,
  actions,
}: {
  readonly name: string;
  readonly actions: readonly RowAction[];
}) {
  return (
    <span className={table['actions']}>
      {actions.map(({ label, onClick, isDisabled = false }) => (
        <Button
          key={label}
          variant="quiet"
          aria-label={`${label} ${name}`}
          disabled={isDisabled}
          onClick={onClick}
        >
          {label}
        </Button>
      ))}
    </span>
  );
}
