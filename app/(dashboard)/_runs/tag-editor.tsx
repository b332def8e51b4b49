'use client';

import { useState } from 'react';
import {
  addTags,
  prepareEditedTags,
  removeTag,
  type TagChange,
  type TaggedRun,
} from '@/lib/view/runs/tag-change';
import { Button } from '@/app/_components/button';
import { Icon } from '@/app/_design/icons';
import { TextField } from '@/app/_components/text-field';
import form from '@/app/_components/form.module.css';
import styles from './edit-dialog.module.css';

/** The tags that runs will have: each can be taken away, new ones are typed. */
export function TagEditor({
  runs,
  change,
  known,
  onChange,
}: {
  readonly runs: readonly TaggedRun[];
  readonly change: TagChange;
  /** Tags in use, offered while typing. */
  readonly known: readonly string[];
  readonly onChange: (change: TagChange) => void;
}) {
  const [typed, setTyped] = useState('');
  const add = () => {
    onChange(addTags(change, typed));
    setTyped('');
  };
  return (
    <fieldset className={form['field']}>
      <legend>Tags</legend>
      <ul className={styles['tags']} aria-label="Tags">
        {prepareEditedTags(runs, change).map(({ name, share }) => (
          <li key={name} className={styles['tag']}>
            <span>{name}</span>
            {share === null ? null : <span className={styles['share']}>{share}</span>}
            <button
              type="button"
              aria-label={`Remove the tag ${name}`}
              onClick={() => onChange(removeTag(change, name))}
            >
              <Icon name="close" size={9} />
            </button>
          </li>
        ))}
      </ul>
      <div className={styles['line']}>
        <TextField
          label="New tag"
          placeholder="New tag, or several with commas"
          className={form['input'] ?? ''}
          list="known-tags"
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
          onKeyDown={(event) => {
            // Enter adds the tag; only with nothing typed does it send the form.
            if (event.key !== 'Enter' || typed.trim() === '') return;
            event.preventDefault();
            add();
          }}
          onBlur={() => {
            if (typed.trim() !== '') add();
          }}
        />
        <datalist id="known-tags">
          {known.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <Button onClick={add} disabled={typed.trim() === ''}>
          Add
        </Button>
      </div>
    </fieldset>
  );
}
