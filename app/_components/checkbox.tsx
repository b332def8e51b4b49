import type { ComponentProps } from 'react';
import styles from './checkbox.module.css';

/** A box to tick, drawn alike everywhere. What it is called comes from a label around it or `aria-label`. */
export function Checkbox(properties: Omit<ComponentProps<'input'>, 'type' | 'className'>) {
  return <input type="checkbox" className={styles['box']} {...properties} />;
}
