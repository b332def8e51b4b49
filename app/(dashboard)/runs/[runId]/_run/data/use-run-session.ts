'use client';

import { useEffect, useMemo, useSyncExternalStore } from 'react';
import type { LiveEvent, LiveRun } from '@/lib/contract/live';
import type { Run } from '@/lib/contract/runs';
import { describeMetric } from '@/lib/contract/standard-metrics';
import type { ColumnShows } from '@/lib/view/colours/column-shows';
import { referenceLevel, type MetricOption } from '@/lib/view/heatmap/metric-options';
import { RunSession, type SessionSnapshot } from './run-session';

/** A run that has reported no layer metric yet is watched under the one it will most likely report. */
const FIRST_METRIC = 'gradient_norm';

/** The session of one metric of a run: begun with the component, ended with it. */
export function useRunSession(
  run: Run,
  option: MetricOption | null,
  shows: ColumnShows,
  onRun: (run: LiveRun) => void,
  onEvent: (event: LiveEvent) => void,
): { readonly session: RunSession; readonly snapshot: SessionSnapshot } {
  const stored = option?.stored ?? FIRST_METRIC;
  const isPerRootN = option?.isPerRootN === true;
  const { id, layerCount } = run;
  const { epsilon } = run.optimizer;
  const counts = run.layers.map(({ parameterCount }) => parameterCount).join(',');

  const session = useMemo(
    () =>
      new RunSession(
        {
          runId: id,
          layerCount,
          option: { stored, scale: describeMetric(stored).scale },
          level: referenceLevel(stored, epsilon),
          layerFactors: isPerRootN
            ? Float64Array.from(counts.split(','), (count) => 1 / Math.sqrt(Number(count)))
            : null,
          shows,
        },
        onRun,
        onEvent,
      ),
    [id, layerCount, stored, isPerRootN, epsilon, counts, shows, onRun, onEvent],
  );
  useEffect(() => session.start(), [session]);
  const snapshot = useSyncExternalStore(
    session.subscribe,
    session.getSnapshot,
    session.getSnapshot,
  );
  return { session, snapshot };
}
