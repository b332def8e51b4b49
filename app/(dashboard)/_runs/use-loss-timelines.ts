'use client';

import { useEffect, useState } from 'react';
import { joinNames, splitNames } from '@/lib/contract/name-list';
import { timelineReplySchema, type Bucket } from '@/lib/contract/reads';
import type { RunSummary } from '@/lib/contract/runs';
import type { OverlaidRun } from '@/lib/view/timelines/loss-overlay';
import { apiPath, readJson } from '@/app/_hooks/api-client';
import { useThrottled } from '@/app/_hooks/use-throttled';

/** More than a chart of the page's width has pixels for is not seen. */
const POINTS = 1000;
const REREAD_MS = 5000;

export interface LossTimelines {
  readonly runs: readonly OverlaidRun[];
  readonly error: string | null;
}

/** The read behind one of the lines. */
export function lossPath(id: string): string {
  return apiPath(`/runs/${encodeURIComponent(id)}/timeline`, { series: 'loss', points: POINTS });
}

async function readLoss(id: string, signal: AbortSignal): Promise<readonly Bucket[]> {
  const { series } = await readJson(lossPath(id), timelineReplySchema, signal);
  return series.find(({ name }) => name === 'loss')?.points ?? [];
}

/** The whole losses of runs, read again, at most every five seconds, while they go on. */
export function useLossTimelines(runs: readonly RunSummary[]): LossTimelines {
  const [known, setKnown] = useState<ReadonlyMap<string, readonly Bucket[]>>(new Map());
  const [error, setError] = useState<string | null>(null);
  const asked = useThrottled(
    joinNames(runs.map(({ id, lastStep }) => `${id} ${lastStep}`)),
    REREAD_MS,
  );

  useEffect(() => {
    const controller = new AbortController();
    const ids = splitNames(asked).flatMap((version) => version.split(' ').slice(0, 1));
    Promise.all(ids.map(async (id) => [id, await readLoss(id, controller.signal)] as const)).then(
      (read) => {
        setError(null);
        setKnown(new Map(read));
      },
      (cause: unknown) => {
        if (!controller.signal.aborted) setError(cause instanceof Error ? cause.message : '');
      },
    );
    return () => controller.abort();
  }, [asked]);

  return {
    runs: runs.flatMap(({ id, name }) => {
      const points = known.get(id);
      return points === undefined ? [] : [{ id, name, points }];
    }),
    error,
  };
}
