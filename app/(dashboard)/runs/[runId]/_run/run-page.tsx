'use client';

import { useCallback, useMemo } from 'react';
import { incidentsReplySchema } from '@/lib/contract/incidents';
import { notesReplySchema } from '@/lib/contract/notes';
import { eventsReplySchema, spikesReplySchema } from '@/lib/contract/reads';
import { runMetricsSchema, runSchema } from '@/lib/contract/runs';
import { warningsReplySchema } from '@/lib/contract/warnings';
import { toNoteEvents } from '@/lib/view/timelines/note-events';
import { ButtonLink } from '@/app/_components/button';
import { runCrumbs } from '@/app/_components/run-crumbs';
import { Skeleton } from '@/app/_components/skeleton';
import { ErrorState } from '@/app/_components/states';
import { TopBar } from '@/app/_components/top-bar';
import { apiPath } from '@/app/_hooks/api-client';
import { useIncidents } from '@/app/_hooks/incident-feed';
import { useKnownRun } from '@/app/_hooks/known-runs';
import { useApi } from '@/app/_hooks/use-api';
import { stateOfHappenings } from './model/happenings-state';
import { RunScreen } from './run-screen';

/** Status and name change without a frame, and a socket may be down: the run is read again so often. */
const RUN_REFRESH_MS = 20_000;
/** More marks than this on one lane say nothing. */
const MOST_INCIDENTS = 200;

/** Reads what the run page stands on, and shows what failed where it would stand. */
export function RunPage({ runId }: { readonly runId: string }) {
  const base = `/runs/${encodeURIComponent(runId)}`;
  const run = useApi(apiPath(base), runSchema, { refreshMs: RUN_REFRESH_MS });
  const metrics = useApi(apiPath(`${base}/metrics`), runMetricsSchema);
  const spikes = useApi(apiPath(`${base}/spikes`), spikesReplySchema);
  const warnings = useApi(apiPath(`${base}/warnings`), warningsReplySchema);
  const events = useApi(apiPath(`${base}/events`), eventsReplySchema);
  const notes = useApi(apiPath(`${base}/notes`), notesReplySchema);
  const incidents = useApi(
    apiPath('/incidents', { runId, limit: MOST_INCIDENTS }),
    incidentsReplySchema,
  );
  const { retry: readIncidents } = incidents;
  useIncidents((message) => {
    if (message === null || message.incident.runId === runId) readIncidents();
  });
  const { retry: readRun } = run;
  const { retry: readMetrics } = metrics;
  const { retry: readSpikes } = spikes;
  const { retry: readEvents } = events;
  const { retry: readWarnings } = warnings;
  const { retry: readNotes } = notes;
  const readHappenings = useCallback(() => {
    readSpikes();
    readWarnings();
    readEvents();
    readNotes();
    readRun();
  }, [readSpikes, readWarnings, readEvents, readNotes, readRun]);
  const happeningsState = stateOfHappenings([spikes, warnings, events, notes]);
  const postedEvents = events.data?.items ?? NOTHING;
  const writtenNotes = notes.data?.items ?? NOTHING;
  const newestAttempt = run.data?.attempt ?? 1;
  const happenings = useMemo(
    () =>
      [...postedEvents, ...toNoteEvents(writtenNotes, newestAttempt)].sort(
        (a, b) => a.step - b.step,
      ),
    [postedEvents, writtenNotes, newestAttempt],
  );

  const known = useKnownRun(runId, run.data);
  const failure = run.error ?? metrics.error;
  if (run.data === null || metrics.data === null) {
    return (
      <>
        <TopBar
          crumbs={
            failure === null ? runCrumbs(known) : [{ label: 'Runs', href: '/' }, { label: runId }]
          }
        />
        <main>
          <h1 className="visually-hidden">Run {runId}</h1>
          {failure === null ? (
            <Skeleton text="Reading the run." shape="run" />
          ) : (
            <ErrorState
              title={
                failure.status === 404 ? 'There is no such run.' : 'The run could not be read.'
              }
              message={
                failure.status === 404
                  ? `No run has the id ${runId}. It may have been deleted, or the link may be cut short; search finds runs by name, tag and note.`
                  : failure.message
              }
              {...(failure.status === 404
                ? {}
                : {
                    onRetry: () => {
                      readRun();
                      readMetrics();
                    },
                  })}
            >
              <ButtonLink href="/">All runs</ButtonLink>
            </ErrorState>
          )}
        </main>
      </>
    );
  }
  return (
    <RunScreen
      run={run.data}
      metrics={metrics.data}
      spikes={spikes.data?.items ?? NOTHING}
      warnings={warnings.data?.items ?? NOTHING}
      events={happenings}
      happeningsState={happeningsState}
      incidents={incidents.data?.items ?? NOTHING}
      onRunChanged={readRun}
      onMetricsChanged={readMetrics}
      onHappening={readHappenings}
    />
  );
}

const NOTHING: readonly never[] = [];
