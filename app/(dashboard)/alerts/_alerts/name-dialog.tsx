'use client';

import { useState } from 'react';
import { Button } from '@/app/_components/button';
import { Dialog } from '@/app/_components/dialog';
import { TextField } from '@/app/_components/text-field';
import form from '@/app/_components/form.module.css';
import { rememberAuthor } from '@/app/_hooks/author-name';

/** Asks once for the name that acknowledgements and notes carry; the browser keeps it. */
export function NameDialog({
  title,
  label,
  start,
  onName,
  onClose,
}: {
  readonly title: string;
  readonly label: string;
  readonly start: string;
  readonly onName: (name: string) => void;
  readonly onClose: () => void;
}) {
  const [name, setName] = useState(start);
  const typed = name.trim();
  return (
    <Dialog title={title} onClose={onClose}>
      {(close) => (
        <form
          className={form['form']}
          onSubmit={(event) => {
            event.preventDefault();
            if (typed === '') return;
            rememberAuthor(typed);
            onName(typed);
            close();
          }}
        >
          <label className={form['field']}>
            Your name
            <TextField
              label="Your name"
              autoFocus
              maxLength={128}
              className={form['input'] ?? ''}
              value={name}
              onChange={({ target }) => setName(target.value)}
            />
          </label>
          <p className={form['hint']}>Others see who has it. It is kept in this browser.</p>
          <div className={form['buttons']}>
            <Button variant="primary" type="submit" disabled={typed === ''}>
              {label}
            </Button>
            <Button onClick={close}>Cancel</Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
