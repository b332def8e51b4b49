'use client';

import { useEffect, useState, type ReactNode } from 'react';
import styles from './dialog.module.css';

/**
 * A modal dialog with its title. Esc, and a click beside it, close it; whoever opens it
 * takes it away in `onClose`.
 */
export function Dialog({
  title,
  isWide = false,
  isFirm = false,
  onClose,
  children,
}: {
  readonly title: string;
  readonly isWide?: boolean;
  /** Closed by its buttons alone: what it shows is not shown again. */
  readonly isFirm?: boolean;
  readonly onClose: () => void;
  /** What stands below the title; `close` is for its buttons. */
  readonly children: (close: () => void) => ReactNode;
}) {
  const [dialog, setDialog] = useState<HTMLDialogElement | null>(null);
  useEffect(() => dialog?.showModal(), [dialog]);
  const close = () => dialog?.close();
  return (
    <dialog
      ref={setDialog}
      className={styles['dialog']}
      data-wide={isWide || undefined}
      aria-label={title}
      onClose={onClose}
      onCancel={(event) => {
        if (isFirm) event.preventDefault();
      }}
      onClick={(event) => {
        if (event.target === dialog && !isFirm) close();
      }}
    >
      <div className={styles['content']}>
        <h2>{title}</h2>
        {children(close)}
      </div>
    </dialog>
  );
}
