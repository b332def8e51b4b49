'use client';

import { useId, useState, type ReactNode, type SyntheticEvent } from 'react';
import { rememberAuthor, rememberedAuthor } from '../../_hooks/author-name';
import { Button } from '../button';
import { TextField } from '../text-field';
import { noteFault } from './note-fault';
import styles from './notes.module.css';

/** A text and a name; what else a note needs stands before the name. */
export function NoteForm({
  label,
  start,
  onSend,
  onCancel,
  children,
}: {
  readonly label: string;
  readonly start: string;
  readonly onSend: (markdown: string, author: string) => Promise<unknown>;
  readonly onCancel?: () => void;
  readonly children?: ReactNode;
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
        (cause: unknown) => setFault(noteFault(cause)),
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
        {children}
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
