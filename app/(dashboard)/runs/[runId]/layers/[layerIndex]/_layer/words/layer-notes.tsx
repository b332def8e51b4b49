'use client';

import { useState } from 'react';
import { notesReplySchema } from '@/lib/contract/notes';
import { formatStep } from '@/lib/view/text/format-number';
import { Button } from '@/app/_components/button';
import { NoteDialog } from '@/app/_components/notes/note-dialog';
import { NoteItem } from '@/app/_components/notes/note-item';
import noteStyles from '@/app/_components/notes/notes.module.css';
import { apiPath } from '@/app/_hooks/api-client';
import { usePageActions } from '@/app/_hooks/page-actions';
import { useApi } from '@/app/_hooks/use-api';
import { useKeyboard } from '@/app/_hooks/use-keyboard';

/** What people wrote about the layer, and a place to write about it at the step that is read. */
export function LayerNotes({
  runId,
  layerIndex,
  layerNames,
  step,
}: {
  readonly runId: string;
  readonly layerIndex: number;
  readonly layerNames: readonly string[];
  readonly step: number;
}) {
  const base = `/runs/${encodeURIComponent(runId)}/notes`;
  const notes = useApi(apiPath(base, { layer: layerIndex }), notesReplySchema);
  const [isWriting, setIsWriting] = useState(false);
  const write = () => setIsWriting(true);
  useKeyboard({
    n: (event) => {
      // The letter is not for the note.
      event.preventDefault();
      write();
    },
  });
  usePageActions('This layer', [{ label: 'Write a note', keys: ['N'], run: write }]);
  const items = notes.data?.items ?? [];
  return (
    <section aria-labelledby="layer-notes">
      <h2 id="layer-notes">Notes</h2>
      {notes.error === null ? null : (
        <p role="alert">Notes could not be read: {notes.error.message}</p>
      )}
      {items.length === 0 ? null : (
        <ul className={noteStyles['notes']}>
          {items.map((note) => (
            <NoteItem
              key={note.id}
              note={note}
              path={`${base}/${encodeURIComponent(note.id)}`}
              {...(note.fromStep === null ? {} : { about: `step ${formatStep(note.fromStep)}` })}
              onChanged={notes.retry}
            />
          ))}
        </ul>
      )}
      <Button variant="link" onClick={write}>
        Write a note
      </Button>
      {isWriting ? (
        <NoteDialog
          runId={runId}
          layerNames={layerNames}
          start={{ layer: layerIndex, fromStep: step, toStep: null }}
          onKept={notes.retry}
          onClose={() => setIsWriting(false)}
        />
      ) : null}
    </section>
  );
}
