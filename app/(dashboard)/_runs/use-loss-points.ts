'use client';

import { useEffect, useState } from 'react';
import { timelineReplySchema, type Bucket } from '@/lib/contract/reads';
import { apiPath, readJson } from '@/app/_hooks/api-client';

/** A sparkline of 168 px takes two pixels a bucket: its minimum and its maximum. */
const POINTS = 84;

/**
 * The loss of a run in 84 buckets, read again when the run has gone on. `isWanted` is
 * whether the row is on the screen; others cost nothing. A failed read leaves the line
 * that was there: the row's numbers say how the run stands.
 */
export function useLossPoints(
  runId: string,
  lastStep: number | null,
  isWanted: boolean,
): readonly Bucket[] | null {
  const [points, setPoints] = useState<readonly Bucket[] | null>(null);
  useEffect(() => {
    if (!isWanted || lastStep === null) return;
    const controller = new AbortController();
    const path = apiPath(`/runs/${encodeURIComponent(runId)}/timeline`, {
      series: 'loss',
      points: POINTS,
    });
    readJson(path, timelineReplySchema, controller.signal).then(
      ({ series }) => setPoints(series.find(({ name }) => name === 'loss')?.points ?? []),
      () => {
        if (!controller.signal.aborted) setPoints((before) => before ?? []);
      },
    );
    return () => controller.abort();
  }, [runId, lastStep, isWanted]);
  return points;
}
