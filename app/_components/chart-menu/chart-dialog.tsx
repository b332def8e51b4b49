'use client';

import { useEffect, useRef } from 'react';
import type { ChartTable } from '@/lib/view/text/chart-table';
import { Button } from '@/app/_components/button';
import { CodeBlock } from '@/app/_components/code-block';
import { TablePages } from './table-pages';
import styles from './chart-dialog.module.css';

export type ChartDialogContent =
  | { readonly kind: 'table'; readonly title: string; readonly table: ChartTable }
  | { readonly kind: 'code'; readonly title: string; readonly code: string }
  | { readonly kind: 'words'; readonly title: string; readonly text: string };

/** A chart in another form: its table, the reads behind it, or why it could not be saved. */
export function ChartDialog({
  content,
  onClose,
}: {
  readonly content: ChartDialogContent;
  readonly onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className={styles['dialog']}
      aria-label={content.title}
      onClose={onClose}
      // It may stand within a plot, which takes pointers for itself.
      onPointerDown={(event) => event.stopPropagation()}
      onDoubleClick={(event) => event.stopPropagation()}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current.close();
      }}
    >
      <div className={styles['content']}>
        <h2>{content.title}</h2>
        {content.kind === 'table' ? (
          <TablePages table={content.table} />
        ) : content.kind === 'code' ? (
          <CodeBlock code={content.code} label={content.title} />
        ) : (
          <p role="alert">{content.text}</p>
        )}
        <div>
          <Button onClick={() => dialog.current?.close()}>Close</Button>
        </div>
      </div>
    </dialog>
  );
}
