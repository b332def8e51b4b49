'use client';

import type { Run } from '@/lib/contract/runs';
import { formatAge } from '@/lib/view/text/format-number';
import { prepareRunStatus, type RunStatusView } from '@/lib/view/runs/run-status';
import { ConnectionBanner } from '@/app/_components/states';
import { StatusDot } from '@/app/_components/status-dot';
import { useNow } from '@/app/_hooks/use-now';
import { formatStep } from '@/lib/view/text/format-number';
import type { SessionSnapshot } from '../data/run-session';

/** The newer of what the server said when the page was read and what the socket brought. */
export function statusOf(run: Run, lastLiveMs: number | null, nowMs: number): RunStatusView {
  const read = run.lastFrameAt === null ? null : Date.parse(run.lastFrameAt);
  const newest = Math.max(read ?? 0, lastLiveMs ?? 0);
  const lastFrameAt = newest === 0 ? null : new Date(newest).toISOString();
  return prepareRunStatus({ ...run, lastFrameAt }, nowMs);
}

/** Dot, word and age in the top bar; it alone counts the seconds. */
export function LiveStatus({
  run,
  snapshot,
}: {
  readonly run: Run;
  readonly snapshot: SessionSnapshot;
}) {
  const now = useNow(1000);
  if (now === null) return null;
  if (snapshot.connection.kind === 'lost') return <StatusDot kind="disconnected" />;
  const status = statusOf(run, snapshot.lastFrameAtMs, now);
  if (status.kind === 'waiting') {
    return <StatusDot kind="stopped" label="Waiting for frames" />;
  }
  return <StatusDot kind={status.kind} detail={`${formatAge(status.ageMs)} ago`} />;
}

/** What stands between the viewer and the newest data, while something does. */
export function LiveBanner({
  snapshot,
  newestStep,
  onReconnect,
}: {
  readonly snapshot: SessionSnapshot;
  readonly newestStep: number | null;
  readonly onReconnect: () => void;
}) {
  const now = useNow(1000);
  const { connection, catchingUpSteps, phase, error } = snapshot;
  if (connection.kind === 'lost') {
    const seconds = Math.max(0, Math.floor((connection.nextTryAtMs - (now ?? 0)) / 1000));
    return (
      <ConnectionBanner
        headline={
          newestStep === null
            ? 'Connection lost.'
            : `Connection lost at step ${formatStep(newestStep)}.`
        }
        text={
          now === null || seconds === 0
            ? 'Showing what was received; trying again.'
            : `Showing what was received; next try in ${seconds} s.`
        }
        onRetry={onReconnect}
      />
    );
  }
  if (connection.kind === 'refused') {
    return <ConnectionBanner headline="No live updates." text={connection.message} />;
  }
  if (catchingUpSteps !== null && catchingUpSteps > 1) {
    return (
      <ConnectionBanner
        headline="Catching up."
        text={`${formatStep(catchingUpSteps)} steps are on their way.`}
      />
    );
  }
  if (phase === 'ready' && error !== null) {
    return <ConnectionBanner headline="Some steps could not be read." text={error.message} />;
  }
  return null;
}
