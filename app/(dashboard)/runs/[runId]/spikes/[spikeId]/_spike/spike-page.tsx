'use client';

import { useState } from 'react';
import { postmortemSchema } from '@/lib/contract/postmortem';
import { runSchema } from '@/lib/contract/runs';
import { ButtonLink } from '@/app/_components/button';
import { runCrumbs } from '@/app/_components/run-crumbs';
import { Skeleton } from '@/app/_components/skeleton';
import { ErrorState } from '@/app/_components/states';
import { TopBar } from '@/app/_components/top-bar';
import { apiPath } from '@/app/_hooks/api-client';
import { useKnownRun } from '@/app/_hooks/known-runs';
import { useApi } from '@/app/_hooks/use-api';
import { SpikeView } from './spike-view';

/** An open spike goes on while somebody reads about it. */
const OPEN_REFRESH_MS = 10_000;

/** Reads a postmortem, and shows what failed where it would stand. */
export function SpikePage({
  runId,
  spikeId,
}: {
  readonly runId: string;
  readonly spikeId: string;
}) {
  const base = `/runs/${encodeURIComponent(runId)}`;
  const path = apiPath(`${base}/spikes/${encodeURIComponent(spikeId)}/postmortem`);
  const [isOpen, setIsOpen] = useState(false);
  const postmortem = useApi(path, postmortemSchema, isOpen ? { refreshMs: OPEN_REFRESH_MS } : {});
  const isStillOpen = postmortem.data?.spike.recovery === 'open' && !postmortem.data.hasEnded;
  if (isStillOpen !== isOpen && postmortem.data !== null) setIsOpen(isStillOpen);
  const run = useApi(apiPath(base), runSchema);
  const known = useKnownRun(runId, run.data);
  const error = postmortem.error ?? run.error;
  if (postmortem.data !== null && run.data !== null) {
    return (
      <SpikeView
        key={spikeId}
        postmortem={postmortem.data}
        layers={run.data.layers}
        onChanged={postmortem.retry}
      />
    );
  }
  return (
    <>
      <TopBar
        crumbs={
          error === null
            ? runCrumbs(known, 'Spike')
            : [{ label: runId, href: base }, { label: 'Spike' }]
        }
      />
      <main>
        <h1 className="visually-hidden">Spike {spikeId}</h1>
        {error === null ? (
          <Skeleton text="Reading what is stored around the spike." shape="postmortem" />
        ) : (
          <ErrorState
            title={
              error.status === 404 ? 'There is no such spike.' : 'The postmortem could not be read.'
            }
            message={error.message}
            onRetry={() => {
              postmortem.retry();
              run.retry();
            }}
          >
            <ButtonLink href={base}>Open the run</ButtonLink>
          </ErrorState>
        )}
      </main>
    </>
  );
}
