'use client';

import { setTheme, useTheme } from '../_hooks/use-theme';
import styles from './theme-toggle.module.css';

/** Changes between dark and light; the half-filled disc shows that there are two. */
export function ThemeToggle() {
  const other = useTheme() === 'dark' ? 'light' : 'dark';
  return (
    <button
      type="button"
      className={styles['toggle']}
      aria-label={`Use the ${other} theme`}
      title={`Use the ${other} theme`}
      onClick={() => setTheme(other)}
    >
      <svg width={14} height={14} viewBox="0 0 14 14" aria-hidden>
        <circle cx={7} cy={7} r={5.5} fill="none" stroke="currentColor" strokeWidth={1.3} />
        <path d="M7 1.5a5.5 5.5 0 0 1 0 11z" fill="currentColor" />
      </svg>
    </button>
  );
}
