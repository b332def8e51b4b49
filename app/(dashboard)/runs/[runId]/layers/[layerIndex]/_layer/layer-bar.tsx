'use client';

import type { Run } from '@/lib/contract/runs';
import { formatSilence, prepareRunStatus } from '@/lib/view/run-status';
import type { PageSearch } from '@/app/_components/search-palette';
import { StatusDot } from '@/app/_components/status-dot';
import { TopBar } from '@/app/_components/top-bar';
import { useNow } from '@/app/_hooks/use-now';

/** Where one is and how the run stands. */
export function LayerBar({
  run,
  runHref,
  layerIndex,
  names,
  isUnreachable,
}: {
  readonly run: Run;
  readonly runHref: string;
  readonly layerIndex: number;
  /** Short names of the run's layers, in model order. */
  readonly names: readonly string[];
  readonly isUnreachable: boolean;
}) {
  const nowMs = useNow(1000);
  const here = `/runs/${encodeURIComponent(run.id)}/layers`;
  const search: PageSearch = {
    items: run.layers.map(({ index, name }, position) => ({
      href: `${here}/${index}`,
      label: names[position] ?? name,
      detail: `layer ${index}`,
    })),
    hrefOfStep: (step) => `${here}/${layerIndex}?step=${step}`,
  };
  const position = run.layers.findIndex(({ index }) => index === layerIndex);
  const status = nowMs === null ? null : prepareRunStatus(run, nowMs);
  return (
    <TopBar
      crumbs={[
        { label: run.project, href: `/?q=${encodeURIComponent(run.project)}` },
        { label: run.name, href: runHref },
        { label: names[position] ?? `layer ${layerIndex}` },
      ]}
      search={search}
      status={
        isUnreachable ? (
          <StatusDot kind="disconnected" />
        ) : status === null || status.kind === 'waiting' ? null : (
          <StatusDot
            kind={status.kind}
            {...(status.ageMs === null ? {} : { detail: `${formatSilence(status.ageMs)} ago` })}
          />
        )
      }
    />
  );
}
