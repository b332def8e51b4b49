'use client';

import { useRouter } from 'next/navigation';
import type { Run } from '@/lib/contract/runs';
import { prepareMetricOptions } from '@/lib/view/heatmap/metric-options';
import { formatSilence, prepareRunStatus } from '@/lib/view/runs/run-status';
import { StatusDot } from '@/app/_components/status-dot';
import { TopBar } from '@/app/_components/top-bar';
import type { PageSearch } from '@/app/_hooks/page-actions';
import { useNow } from '@/app/_hooks/use-now';

/** Where one is and how the run stands. */
export function LayerBar({
  run,
  runHref,
  layerIndex,
  layerMetrics,
  names,
  isUnreachable,
}: {
  readonly run: Run;
  readonly runHref: string;
  readonly layerIndex: number;
  readonly layerMetrics: readonly string[];
  /** Short names of the run's layers, in model order. */
  readonly names: readonly string[];
  readonly isUnreachable: boolean;
}) {
  const router = useRouter();
  const nowMs = useNow(1000);
  const here = `/runs/${encodeURIComponent(run.id)}/layers`;
  const search: PageSearch = {
    groups: [
      {
        title: 'Layers of this run',
        items: run.layers.map(({ index, name }, position) => ({
          label: names[position] ?? name,
          detail: `layer ${index}`,
          go: `${here}/${index}`,
        })),
      },
      {
        title: 'Metrics of this run',
        items: prepareMetricOptions(layerMetrics).map(({ key, label }) => ({
          label,
          detail: 'as a heatmap',
          go: `${runHref}${runHref.includes('?') ? '&' : '?'}metric=${encodeURIComponent(key)}`,
        })),
      },
    ],
    goToStep: (step) => router.push(`${here}/${layerIndex}?step=${step}`),
  };
  const position = run.layers.findIndex(({ index }) => index === layerIndex);
  const status = nowMs === null ? null : prepareRunStatus(run, nowMs);
  return (
    <TopBar
      crumbs={[
        { label: run.project, href: `/?project=${encodeURIComponent(run.project)}` },
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
