import type { ReactNode } from 'react';
import { Mark } from '../_design/marks';
import { Button } from './button';
import styles from './states.module.css';

/** Nothing is there yet: one sentence and what to do, as code to copy in `children`. */
export function EmptyState({
  title,
  text,
  children,
}: {
  readonly title: string;
  readonly text?: ReactNode;
  readonly children?: ReactNode;
}) {
  return (
    <div className={styles['state']}>
      <p className={styles['title']}>{title}</p>
      {text === undefined ? null : <p className={styles['text']}>{text}</p>}
      {children}
    </div>
  );
}

/** In the place of what failed: what failed, why, a way to try again and, in `children`, other ways. */
export function ErrorState({
  title,
  message,
  onRetry,
  children,
}: {
  readonly title: string;
  readonly message: string;
  readonly onRetry?: () => void;
  readonly children?: ReactNode;
}) {
  return (
    <div className={styles['state']} role="alert">
      <p className={styles['title']}>{title}</p>
      <p className={styles['text']}>{message}</p>
      <div className={styles['ways']}>
        {onRetry === undefined ? null : <Button onClick={onRetry}>Try again</Button>}
        {children}
      </div>
    </div>
  );
}

/** 32 px across the page while the server cannot be reached; the data stays. */
export function ConnectionBanner({
  headline,
  text,
  onRetry,
}: {
  /** "Connection lost at step 548." */
  readonly headline: string;
  /** "Showing what was received; next try in 4 s." */
  readonly text: string;
  readonly onRetry?: () => void;
}) {
  return (
    <div className={styles['banner']} role="status" data-connection>
      <Mark kind="divergence" size={10} />
      <strong>{headline}</strong>
      <span>{text}</span>
      {onRetry === undefined ? null : (
        <Button variant="link" onClick={onRetry}>
          Try now
        </Button>
      )}
    </div>
  );
}
