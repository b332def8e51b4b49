'use client';

import { useState, type SyntheticEvent } from 'react';
import type { PatchRun, RunSummary } from '@/lib/contract/runs';
import {
  NO_TAG_CHANGE,
  applyTagChange,
  findTagFault,
  type TagChange,
} from '@/lib/view/runs/tag-change';
import { Button } from '@/app/_components/button';
import { Dialog } from '@/app/_components/dialog';
import { TextField } from '@/app/_components/text-field';
import form from '@/app/_components/form.module.css';
import { TagEditor } from './tag-editor';
import styles from './edit-dialog.module.css';

/** What to send of each run; those that nothing changes are left out. */
export type RunPatches = readonly (readonly [id: string, patch: PatchRun])[];

/**
 * Name, tags and notes of one run, or the tags of several. What was typed stays until it is
 * saved or given up, whatever happens to the runs meanwhile.
 */
export function EditDialog({
  runs,
  knownTags,
  onSave,
  onClose,
}: {
  readonly runs: readonly RunSummary[];
  readonly knownTags: readonly string[];
  /** Resolves with what went wrong in words, or null. */
  readonly onSave: (patches: RunPatches) => Promise<string | null>;
  readonly onClose: () => void;
}) {
  const only = runs.length === 1 ? runs[0] : undefined;
  const [name, setName] = useState(only?.name ?? '');
  const [notes, setNotes] = useState(only?.notes ?? '');
  const [tags, setTags] = useState<TagChange>(NO_TAG_CHANGE);
  const [isSaving, setIsSaving] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);

  const fault =
    only !== undefined && name.trim() === '' ? 'A run needs a name.' : findTagFault(runs, tags);
  const save = async (event: SyntheticEvent, close: () => void) => {
    event.preventDefault();
    if (fault !== null || isSaving) return;
    setIsSaving(true);
    const patches = runs.flatMap((run): RunPatches => {
      const next = applyTagChange(run, tags);
      const hasOtherTags = next.join('\n') !== run.tags.join('\n');
      const patch: PatchRun = {
        ...(only === undefined || name.trim() === run.name ? {} : { name: name.trim() }),
        ...(only === undefined || notes === run.notes ? {} : { notes }),
        ...(hasOtherTags ? { tags: next } : {}),
      };
      return Object.keys(patch).length === 0 ? [] : [[run.id, patch]];
    });
    const problem = await onSave(patches);
    setIsSaving(false);
    setFailure(problem);
    if (problem === null) close();
  };
  const title = only === undefined ? `Tags of ${runs.length} runs` : `Edit ${only.name}`;
  return (
    <Dialog title={title} onClose={onClose}>
      {(close) => (
        <form className={form['form']} onSubmit={(event) => void save(event, close)}>
          {only === undefined ? null : (
            <label className={form['field']}>
              Name
              <TextField
                label="Name"
                maxLength={256}
                className={form['input'] ?? ''}
                value={name}
                onChange={({ target }) => setName(target.value)}
              />
            </label>
          )}
          <TagEditor runs={runs} change={tags} known={knownTags} onChange={setTags} />
          {only === undefined ? null : (
            <label className={form['field']}>
              Notes
              <textarea
                className={styles['notes']}
                maxLength={65_536}
                rows={6}
                value={notes}
                onChange={({ target }) => setNotes(target.value)}
              />
            </label>
          )}
          {(fault ?? failure) === null ? null : (
            <p className={form['fault']} role="alert">
              {fault ?? failure}
            </p>
          )}
          <div className={form['buttons']}>
            <Button variant="primary" type="submit" disabled={fault !== null || isSaving}>
              {isSaving ? 'Saving' : 'Save'}
            </Button>
            <Button onClick={close}>Cancel</Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
