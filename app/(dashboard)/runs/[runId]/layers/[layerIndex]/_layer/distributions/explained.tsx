'use client';

import { useId, useState, type KeyboardEvent, type ReactNode } from 'react';
import styles from './explained.module.css';

/** A word with its meaning: shown under the pointer, by focus or by touch; Esc takes it away. */
export function Explained({
  meaning,
  children,
}: {
  readonly meaning: string;
  readonly children: ReactNode;
}) {
  const id = useId();
  const [isDismissed, setIsDismissed] = useState(false);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || isDismissed) return;
    // Escape belongs to what it takes away; the next one to the page.
    event.preventDefault();
    setIsDismissed(true);
  };
  const show = () => setIsDismissed(false);
  return (
    <span
      className={styles['wrap']}
      data-dismissed={isDismissed || undefined}
      onPointerEnter={show}
      onFocus={show}
    >
      <button type="button" className={styles['word']} aria-describedby={id} onKeyDown={onKeyDown}>
        {children}
      </button>
      <span role="tooltip" id={id} className={styles['meaning']}>
        {meaning}
      </span>
    </span>
  );
}
