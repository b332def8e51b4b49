'use client';

import { runSchema } from '@/lib/contract/runs';
import { runMetricsSchema } from '@/lib/contract/runs';
import { apiPath } from '@/app/_hooks/api-client';
import { useKnownRun } from '@/app/_hooks/known-runs';
import { useApi } from '@/app/_hooks/use-api';
import { ButtonLink } from '@/app/_components/button';
import { runCrumbs } from '@/app/_components/run-crumbs';
import { Skeleton } from '@/app/_components/skeleton';
import { ErrorState } from '@/app/_components/states';
import { TopBar } from '@/app/_components/top-bar';
import { LayerView } from './layer-view';

/** How often the run is asked whether it went on; what is on the page does not move by it. */
const RUN_REFRESH_MS = 2000;

/** A layer at a step: reads the run, then hands over to the view. */
export function LayerPage({
  runId,
  layerIndex,
}: {
  readonly runId: string;
  readonly layerIndex: string;
}) {
  const base = `/runs/${encodeURIComponent(runId)}`;
  const run = useApi(apiPath(base), runSchema, { refreshMs: RUN_REFRESH_MS });
  const metrics = useApi(apiPath(`${base}/metrics`), runMetricsSchema);
  const index = /^\d{1,6}$/.test(layerIndex) ? Number(layerIndex) : -1;
  const layer = run.data?.layers.find((candidate) => candidate.index === index);
  const known = useKnownRun(runId, run.data);
  const error = run.error ?? metrics.error;

  if (run.data !== null && metrics.data !== null && layer !== undefined) {
    return (
      <LayerView
        key={`${runId} ${index}`}
        run={run.data}
        metrics={metrics.data}
        layer={layer}
        connectionFault={run.error?.message ?? null}
        onReconnect={run.retry}
      />
    );
  }
  return (
    <>
      <TopBar
        crumbs={
          error === null
            ? runCrumbs(known, `layer ${layerIndex}`)
            : [{ label: runId, href: base }, { label: `layer ${layerIndex}` }]
        }
      />
      <main>
        <h1 className="visually-hidden">Layer {layerIndex}</h1>
        {run.data !== null && layer === undefined ? (
          <ErrorState
            title={`Run ${runId} has no layer ${layerIndex}.`}
            message={
              run.data.layers.length === 0
                ? 'It was created without layers.'
                : `Its layers are 0 to ${run.data.layers.length - 1}.`
            }
          >
            <ButtonLink href={base}>Open the run</ButtonLink>
          </ErrorState>
        ) : error !== null ? (
          <ErrorState
            title={
              error.code === 'run_not_found'
                ? 'There is no such run.'
                : 'The layer could not be read.'
            }
            message={error.message}
            {...(error.code === 'run_not_found'
              ? {}
              : {
                  onRetry: () => {
                    run.retry();
                    metrics.retry();
                  },
                })}
          >
            <ButtonLink href="/">All runs</ButtonLink>
          </ErrorState>
        ) : (
          <Skeleton text="Reading the layer." shape="layer" />
        )}
      </main>
    </>
  );
}
