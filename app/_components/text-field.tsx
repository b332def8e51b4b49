import type { ComponentProps } from 'react';
import { classNames } from '../_design/class-names';
import styles from './text-field.module.css';

/** A line of text. `quiet` shows no frame until it is used, as a filter in a toolbar. */
export function TextField({
  label,
  quiet = false,
  error = null,
  className,
  ...rest
}: {
  readonly label: string;
  readonly quiet?: boolean;
  /** What is wrong with the value, in words. */
  readonly error?: string | null;
} & ComponentProps<'input'>) {
  return (
    <input
      aria-label={label}
      aria-invalid={error !== null}
      title={error ?? undefined}
      autoComplete="off"
      spellCheck={false}
      className={classNames(
        styles['field'],
        quiet && styles['quiet'],
        error !== null && styles['invalid'],
        className,
      )}
      {...rest}
    />
  );
}
