import type { ReactNode } from 'react';
import styles from './read-out.module.css';

export interface ReadOutItem {
  readonly label: ReactNode;
  readonly value: ReactNode;
  /** Grey words after the value, as "was 0.00209" or "= 775 ε". */
  readonly after?: ReactNode;
}

export interface ReadOutKey {
  readonly key: string;
  readonly does: string;
}

/** The fixed line at the bottom where the crosshair's values stand; nothing covers data. */
export function ReadOut({
  items,
  keys = [],
  empty = null,
}: {
  readonly items: readonly ReadOutItem[];
  readonly keys?: readonly ReadOutKey[];
  /** Shown while nothing is under the crosshair. */
  readonly empty?: ReactNode;
}) {
  return (
    <section className={styles['read_out']} aria-label="Values under the crosshair">
      {items.length === 0 ? <span className={styles['item']}>{empty}</span> : null}
      {items.map((item, index) => (
        <span key={index} className={styles['item']}>
          <span className={styles['label']}>{item.label}</span>{' '}
          <span className={styles['value']}>{item.value}</span>
          {item.after === undefined ? null : <span className={styles['after']}> {item.after}</span>}
        </span>
      ))}
      {keys.length === 0 ? null : (
        <span className={styles['keys']}>
          {keys.map(({ key, does }) => (
            <span key={key} className={styles['key']}>
              <kbd>{key}</kbd> {does}
            </span>
          ))}
        </span>
      )}
    </section>
  );
}
