'use client';

import { useEffect, useState } from 'react';
import { spikesReplySchema, timelineReplySchema, type Bucket } from '@/lib/contract/reads';
import { refineSpike } from '@/lib/view/spikes/refined-spike';
import { apiPath, readJson } from '@/app/_hooks/api-client';
import { useThrottled } from '@/app/_hooks/use-throttled';

/** A sparkline of 168 px takes two pixels a bucket: its minimum and its maximum. */
const POINTS = 84;
/** Thirty live runs would otherwise ask fifteen times a second for lines that barely move. */
const REREAD_MS = 5000;

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
  const readStep = useThrottled(lastStep, REREAD_MS);
  useEffect(() => {
    if (!isWanted || readStep === null) return;
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
  }, [runId, readStep, isWanted]);
  return points;
}

const NO_STEPS: readonly number[] = [];

/** Where loss spikes begin; read again when the number of spikes and divergences changes. */
export function useSpikeOnsets(
  runId: string,
  spikeCount: number,
  isWanted: boolean,
): readonly number[] {
  const [onsets, setOnsets] = useState(NO_STEPS);
  useEffect(() => {
    if (!isWanted || spikeCount === 0) return;
    const controller = new AbortController();
    const path = apiPath(`/runs/${encodeURIComponent(runId)}/spikes`, { attempt: 'effective' });
    readJson(path, spikesReplySchema, controller.signal).then(
      ({ items }) =>
        setOnsets(
          items
            .filter(({ kind }) => kind === 'loss_spike')
            .map((spike) => refineSpike(spike).onsetStep),
        ),
      () => {
        // Without them the line stands as it is; the row says how many there are.
      },
    );
    return () => controller.abort();
  }, [runId, spikeCount, isWanted]);
  return spikeCount === 0 ? NO_STEPS : onsets;
}
