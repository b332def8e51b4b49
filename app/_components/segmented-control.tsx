'use client';

import { useId } from 'react';
import { Icon, type IconName } from '../_design/icons';
import styles from './segmented-control.module.css';

export interface SegmentOption<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly icon?: IconName;
  readonly title?: string;
}

/** A few exclusive choices side by side; radio buttons to the keyboard and to readers. */
export function SegmentedControl<T extends string>({
  label,
  options,
  value,
  onChange,
}: {
  readonly label: string;
  readonly options: readonly SegmentOption<T>[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <div role="radiogroup" aria-label={label} className={styles['group']}>
      {options.map((option) => (
        <label key={option.value} className={styles['option']} title={option.title}>
          <input
            type="radio"
            className="visually-hidden"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          <span className={styles['label']} data-text={option.label}>
            {option.label}
          </span>
          {option.icon === undefined ? null : <Icon name={option.icon} size={11} />}
        </label>
      ))}
    </div>
  );
}
