'use client';

import { Icon } from '../_design/icons';
import { openTool } from '../_hooks/open-tool';
import styles from './search-trigger.module.css';

/** The field in the top bar that is none: it opens the palette, as Ctrl K does. */
export function SearchTrigger({ text }: { readonly text: string }) {
  return (
    <button
      type="button"
      className={styles['trigger']}
      aria-haspopup="dialog"
      aria-keyshortcuts="Control+K"
      onClick={() => openTool('palette')}
    >
      <span className={styles['icon']}>
        <Icon name="search" size={14} />
      </span>
      <span className={styles['text']}>{text}</span>
      <kbd aria-hidden>Ctrl K</kbd>
    </button>
  );
}
