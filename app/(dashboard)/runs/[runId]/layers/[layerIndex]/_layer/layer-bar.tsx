'use client';

import type { Run } from '@/lib/contract/runs';
import { formatSilence, prepareRunStatus } from '@/lib/view/run-status';
import { StatusDot } from '@/app/_components/status-dot';
import { TopBar } from '@/app/_components/top-bar';
import { useNow } from '@/app/_hooks/use-now';

/** Where one is and how the run stands. */
export function LayerBar({
  run,
  runHref,
  layerName,
  isUnreachable,
}: {
  readonly run: Run;
  readonly runHref: string;
  readonly layerName: string;
  readonly isUnreachable: boolean;
}) {
  const nowMs = useNow(1000);
  const status = nowMs === null ? null : prepareRunStatus(run, nowMs);
  return (
    <TopBar
      crumbs={[
        { label: run.project, href: `/?q=${encodeURIComponent(run.project)}` },
        { label: run.name, href: runHref },
        { label: layerName },
      ]}
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
