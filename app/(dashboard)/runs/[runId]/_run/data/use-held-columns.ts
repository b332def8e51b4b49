'use client';

import { useEffect, useState } from 'react';
import type { HeatmapColumns } from '@/lib/contract/heatmap-columns';
import type { StepWindow } from '@/lib/view/axes/step-axis';
import { useThrottled } from '@/app/_hooks/use-throttled';
import { readHeatmap } from './run-reads';

/** About one a pixel of a wide plot. */
const COLUMNS = 1024;
/** A window in motion reads nothing until it rests this long. */
const REST_MS = 120;
/** While a run goes on, its steps are read again so often. */
const REFRESH_MS = 2000;

export interface HeldColumns {
  /** The newest that came; those of the window before until this one's come. */
  readonly columns: HeatmapColumns | null;
  readonly error: string | null;
}

interface Outcome extends HeldColumns {
  readonly key: string;
}

/** Columns of a run and metric beside those of the page's own session; null reads nothing. */
export function useHeldColumns(
  source: {
    readonly runId: string;
    readonly metric: string;
    readonly attempt: number | 'effective';
  } | null,
  window: StepWindow | null,
  newestStep: number,
): HeldColumns {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const seenStep = useThrottled(newestStep, REFRESH_MS);
  const key = source === null ? null : `${source.runId} ${source.metric} ${source.attempt}`;
  const { runId, metric, attempt } = source ?? { runId: '', metric: '', attempt: 'effective' };
  const [fromStep, toStep] = [window?.fromStep ?? null, window?.toStep ?? null];
  useEffect(() => {
    if (key === null) return;
    const controller = new AbortController();
    const read = () => {
      const { signal } = controller;
      readHeatmap(runId, metric, { fromStep, toStep }, COLUMNS, signal, { attempt }).then(
        (columns) => setOutcome({ key, columns, error: null }),
        (cause: unknown) => {
          if (signal.aborted) return;
          const error = cause instanceof Error ? cause.message : 'The read failed.';
          setOutcome((before) => ({
            key,
            columns: before?.key === key ? before.columns : null,
            error,
          }));
        },
      );
    };
    const timer = setTimeout(read, REST_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [key, runId, metric, attempt, fromStep, toStep, seenStep]);
  return outcome !== null && outcome.key === key ? outcome : NOTHING;
}

const NOTHING: HeldColumns = { columns: null, error: null };
