'use client';

import Link from 'next/link';
import { Dialog } from '../dialog';
import { NewNoteForm, type NotePlace } from './new-note-form';
import styles from './notes.module.css';

/** Writes a note where one stands: at the steps that are shown, or at a layer. */
export function NoteDialog({
  runId,
  layerNames,
  start,
  onKept,
  onClose,
}: {
  readonly runId: string;
  readonly layerNames: readonly string[];
  readonly start: NotePlace;
  readonly onKept: () => void;
  readonly onClose: () => void;
}) {
  return (
    <Dialog title="Write a note" isWide onClose={onClose}>
      {(close) => (
        <>
          <NewNoteForm
            runId={runId}
            layerNames={layerNames}
            start={start}
            onKept={() => {
              onKept();
              close();
            }}
          />
          <p className={styles['byline']}>
            <Link href={`/runs/${encodeURIComponent(runId)}/notes`}>All notes of this run</Link>
          </p>
        </>
      )}
    </Dialog>
  );
}
