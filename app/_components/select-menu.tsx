'use client';

import { Icon } from '../_design/icons';
import styles from './select-menu.module.css';

export interface SelectOption<T extends string> {
  readonly value: T;
  readonly label: string;
  /** Options of one group stand under its name. */
  readonly group?: string;
}

/** One choice from a list. `label` names the control; it is not drawn, the value speaks. */
export function SelectMenu<T extends string>({
  label,
  options,
  value,
  onChange,
}: {
  readonly label: string;
  readonly options: readonly SelectOption<T>[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}) {
  const groups = [...new Set(options.map((option) => option.group))];
  const optionsOf = (group: string | undefined) =>
    options
      .filter((option) => option.group === group)
      .map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ));
  return (
    <span className={styles['wrap']}>
      <select
        aria-label={label}
        className={styles['select']}
        value={value}
        onChange={(event) => {
          const chosen = options.find((option) => option.value === event.target.value);
          if (chosen !== undefined) onChange(chosen.value);
        }}
      >
        {groups.map((group) =>
          group === undefined ? (
            optionsOf(undefined)
          ) : (
            <optgroup key={group} label={group}>
              {optionsOf(group)}
            </optgroup>
          ),
        )}
      </select>
      <span className={styles['arrow']}>
        <Icon name="chevronDown" size={9} />
      </span>
    </span>
  );
}
