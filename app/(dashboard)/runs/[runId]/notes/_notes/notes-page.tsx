'use client';

import Link from 'next/link';
import { notesReplySchema, type Note } from '@/lib/contract/notes';
import { runSchema } from '@/lib/contract/runs';
import { formatStep } from '@/lib/view/text/format-number';
import { shortLayerNames } from '@/lib/view/axes/layer-names';
import { NewNoteForm, NOWHERE } from '@/app/_components/notes/new-note-form';
import { NoteItem } from '@/app/_components/notes/note-item';
import noteStyles from '@/app/_components/notes/notes.module.css';
import { Skeleton } from '@/app/_components/skeleton';
import { ErrorState } from '@/app/_components/states';
import { runCrumbs } from '@/app/_components/run-crumbs';
import { TopBar } from '@/app/_components/top-bar';
import { apiPath } from '@/app/_hooks/api-client';
import { useKnownRun } from '@/app/_hooks/known-runs';
import { useApi } from '@/app/_hooks/use-api';
import styles from './notes-page.module.css';

/** Notes at spikes, steps and layers, and a place to write one about steps or a layer. */
export function NotesPage({ runId }: { readonly runId: string }) {
  const base = `/runs/${encodeURIComponent(runId)}`;
  const run = useApi(apiPath(base), runSchema);
  const notes = useApi(apiPath(`${base}/notes`), notesReplySchema);
  const known = useKnownRun(runId, run.data);
  const error = run.error ?? notes.error;
  const title = known?.name ?? (error === null ? null : runId);
  const names = shortLayerNames(run.data?.layers.map(({ name }) => name) ?? []);
  return (
    <>
      <TopBar
        crumbs={
          known === null && error !== null
            ? [{ label: runId, href: base }, { label: 'Notes' }]
            : runCrumbs(known, 'Notes')
        }
      />
      <main className={styles['page']}>
        <h1>{title === null ? 'Notes' : `Notes on ${title}`}</h1>
        {notes.data === null || run.data === null ? (
          error === null ? (
            <Skeleton text="Reading the notes." shape="notes" />
          ) : (
            <ErrorState
              title="The notes could not be read."
              message={error.message}
              onRetry={() => {
                run.retry();
                notes.retry();
              }}
            />
          )
        ) : (
          <>
            {notes.data.items.length === 0 ? (
              <p className={styles['text']}>Nobody has written anything about this run yet.</p>
            ) : (
              <ul className={noteStyles['notes']}>
                {notes.data.items.map((note) => (
                  <NoteItem
                    key={note.id}
                    note={note}
                    path={`${base}/notes/${encodeURIComponent(note.id)}`}
                    about={<About note={note} base={base} names={names} />}
                    onChanged={notes.retry}
                  />
                ))}
              </ul>
            )}
            <NewNote runId={runId} names={names} onChanged={notes.retry} />
          </>
        )}
      </main>
    </>
  );
}

/** What a note is about, and the way there. */
function About({
  note: { spikeId, layer, fromStep, toStep },
  base,
  names,
}: {
  readonly note: Note;
  readonly base: string;
  readonly names: readonly string[];
}) {
  if (spikeId !== null) {
    const href = `${base}/spikes/${encodeURIComponent(spikeId)}`;
    return <Link href={href}>spike at {formatStep(fromStep)}</Link>;
  }
  const steps =
    fromStep === null
      ? ''
      : toStep === null
        ? `step ${formatStep(fromStep)}`
        : `steps ${formatStep(fromStep)} to ${formatStep(toStep)}`;
  if (layer === null) return <Link href={`${base}?step=${fromStep ?? 0}`}>{steps}</Link>;
  const href = `${base}/layers/${layer}${fromStep === null ? '' : `?step=${fromStep}`}`;
  return (
    <Link href={href}>
      {names[layer] ?? `layer ${layer}`}
      {steps === '' ? '' : `, ${steps}`}
    </Link>
  );
}

function NewNote({
  runId,
  names,
  onChanged,
}: {
  readonly runId: string;
  readonly names: readonly string[];
  readonly onChanged: () => void;
}) {
  return (
    <section aria-labelledby="new-note">
      <h2 id="new-note">
        New note<small>about steps, a layer, or both</small>
      </h2>
      <NewNoteForm runId={runId} layerNames={names} start={NOWHERE} onKept={onChanged} />
    </section>
  );
}
