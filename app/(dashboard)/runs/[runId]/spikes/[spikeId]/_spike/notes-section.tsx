'use client';

import { useId, useState, type SyntheticEvent } from 'react';
import type { Note } from '@/lib/contract/notes';
import { Button } from '@/app/_components/button';
import { Markdown } from '@/app/_components/markdown';
import { TextField } from '@/app/_components/text-field';
import { ApiFailure, apiPath, sendJson } from '@/app/_hooks/api-client';
import { LocalTime } from './local-time';
import { NoteHistory } from './note-history';
import styles from './spike.module.css';

const AUTHOR_KEY = 'spikescope.author';

/** The name given last in this browser. */
function rememberedAuthor(): string {
  try {
    return window.localStorage.getItem(AUTHOR_KEY) ?? '';
  } catch {
    return '';
  }
}

function rememberAuthor(author: string): void {
  try {
    window.localStorage.setItem(AUTHOR_KEY, author);
  } catch {
    // A browser without storage asks again.
  }
}

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
      </h2>
      {notes.length === 0 ? null : (
        <ul className={styles['notes']}>
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

function NoteItem({
  note,
  path,
  onChanged,
}: {
  readonly note: Note;
  readonly path: string;
  readonly onChanged: () => void;
}) {
  const [mode, setMode] = useState<'read' | 'edit' | 'history'>('read');
  const [fault, setFault] = useState<string | null>(null);
  const { author, editor, createdAt, updatedAt, revision, markdown } = note;
  const remove = () => {
    sendJson('DELETE', apiPath(path)).then(onChanged, (cause: unknown) => setFault(wordsOf(cause)));
  };
  return (
    <li>
      <p className={styles['byline']}>
        <b>{author}</b>, <LocalTime iso={createdAt} />
        {revision > 1 ? (
          <>
            , changed by {editor}, <LocalTime iso={updatedAt} />
          </>
        ) : null}
      </p>
      {mode === 'edit' ? (
        <NoteForm
          label="Save"
          start={markdown}
          onCancel={() => setMode('read')}
          onSend={async (text, who) => {
            await sendJson('PATCH', apiPath(path), { markdown: text, author: who });
            setMode('read');
            onChanged();
          }}
        />
      ) : (
        <Markdown source={markdown} />
      )}
      {mode === 'history' ? <NoteHistory path={path} /> : null}
      {fault === null ? null : (
        <p role="alert" className={styles['fault']}>
          {fault}
        </p>
      )}
      {mode === 'edit' ? null : (
        <p className={styles['note_actions']}>
          <Button variant="link" onClick={() => setMode('edit')}>
            Change
          </Button>
          {revision > 1 ? (
            <Button
              variant="link"
              aria-expanded={mode === 'history'}
              onClick={() => setMode(mode === 'history' ? 'read' : 'history')}
            >
              {mode === 'history' ? 'Hide history' : `${revision} revisions`}
            </Button>
          ) : null}
          <Button variant="link" onClick={remove}>
            Delete
          </Button>
        </p>
      )}
    </li>
  );
}

const wordsOf = (cause: unknown): string =>
  cause instanceof ApiFailure ? cause.message : 'The note could not be kept.';

function NoteForm({
  label,
  start,
  onSend,
  onCancel,
}: {
  readonly label: string;
  readonly start: string;
  readonly onSend: (markdown: string, author: string) => Promise<unknown>;
  readonly onCancel?: () => void;
}) {
  const id = useId();
  const [markdown, setMarkdown] = useState(start);
  const [author, setAuthor] = useState(rememberedAuthor);
  const [isSending, setIsSending] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const isReady = markdown.trim() !== '' && author.trim() !== '' && !isSending;
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!isReady) return;
    setIsSending(true);
    setFault(null);
    rememberAuthor(author);
    onSend(markdown, author)
      .then(
        () => setMarkdown(start === '' ? '' : markdown),
        (cause: unknown) => setFault(wordsOf(cause)),
      )
      .finally(() => setIsSending(false));
  };
  return (
    <form className={styles['note_form']} onSubmit={send}>
      <label htmlFor={id} className="visually-hidden">
        Note
      </label>
      <textarea
        id={id}
        rows={3}
        value={markdown}
        maxLength={65_536}
        placeholder="What did you do, and did it help?"
        onChange={({ target }) => setMarkdown(target.value)}
      />
      <div>
        <TextField
          label="Your name"
          placeholder="Your name"
          value={author}
          maxLength={128}
          onChange={({ target }) => setAuthor(target.value)}
        />
        {onCancel === undefined ? null : (
          <Button variant="quiet" onClick={onCancel}>
            Cancel
          </Button>
        )}
        <Button type="submit" disabled={!isReady}>
          {label}
        </Button>
      </div>
      {fault === null ? null : (
        <p role="alert" className={styles['fault']}>
          {fault}
        </p>
      )}
    </form>
  );
}
