'use client';

import Link from 'next/link';
import type { Note } from '@/lib/contract/notes';
import { NoteForm } from '@/app/_components/notes/note-form';
import { NoteItem } from '@/app/_components/notes/note-item';
import noteStyles from '@/app/_components/notes/notes.module.css';
import { apiPath, sendJson } from '@/app/_hooks/api-client';

/** What people found, and a place to write it down. */
export function NotesSection({
  runId,
  spikeId,
  notes,
  onChanged,
}: {
  readonly runId: string;
  readonly spikeId: string;
  readonly notes: readonly Note[];
  readonly onChanged: () => void;
}) {
  const base = `/runs/${encodeURIComponent(runId)}/notes`;
  return (
    <section aria-labelledby="notes">
      <h2 id="notes">
        Notes<small>Markdown; kept with the spike</small>
        <Link href={base}>All notes of the run</Link>
      </h2>
      {notes.length === 0 ? null : (
        <ul className={noteStyles['notes']}>
          {notes.map((note) => (
            <NoteItem
              key={note.id}
              note={note}
              path={`${base}/${encodeURIComponent(note.id)}`}
              onChanged={onChanged}
            />
          ))}
        </ul>
      )}
      <NoteForm
        label="Keep the note"
        start=""
        onSend={(markdown, author) =>
          sendJson('POST', apiPath(base), { spikeId, markdown, author }).then(onChanged)
        }
      />
    </section>
  );
}
