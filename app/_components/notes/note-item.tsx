'use client';

import { useState, type ReactNode } from 'react';
import type { Note } from '@/lib/contract/notes';
import { apiPath, sendJson } from '@/app/_hooks/api-client';
import { Button } from '../button';
import { Markdown } from '../markdown';
import { LocalTime } from './local-time';
import { noteFault } from './note-fault';
import { NoteForm } from './note-form';
import { NoteHistory } from './note-history';
import styles from './notes.module.css';

/** One note: who, when, what it says, and what it said before. */
export function NoteItem({
  note,
  path,
  about,
  onChanged,
}: {
  readonly note: Note;
  readonly path: string;
  /** What it is about, where the place does not say it. */
  readonly about?: ReactNode;
  readonly onChanged: () => void;
}) {
  const [mode, setMode] = useState<'read' | 'edit' | 'history'>('read');
  const [fault, setFault] = useState<string | null>(null);
  const { author, editor, createdAt, updatedAt, revision, markdown } = note;
  const remove = () => {
    sendJson('DELETE', apiPath(path)).then(onChanged, (cause: unknown) =>
      setFault(noteFault(cause)),
    );
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
        {about === undefined ? null : <> · {about}</>}
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
