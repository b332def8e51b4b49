'use client';

import { useEffect, useRef, useState } from 'react';
import type { Attempt } from '@/lib/contract/runs';
import type { StepWindow } from '@/lib/view/axes/step-axis';
import { prepareStepClock, type StepClock } from '@/lib/view/axes/step-clock';
import { TimelineSeries, type SeriesColumns } from '@/lib/view/timelines/timeline-series';
import { readScalar } from './run-reads';

/** A scalar that the socket does not carry is read again this often while steps come in. */
const REFRESH_MS = 2000;
const POINTS = 1000;
/** Attempts given up that are drawn, the newest of them. */
const SHOWN_ATTEMPTS = 4;

async function readSeries(...args: Parameters<typeof readScalar>): Promise<SeriesColumns> {
  const series = new TimelineSeries(4096);
  series.replace(await readScalar(...args));
  return series.columns;
}

/** One scalar of a run over the whole of it, or finer over a window; null until it is there. */
export function useChosenScalar(
  runId: string,
  /** null reads nothing. */
  name: string | null,
  window: StepWindow | null,
  newestStep: number,
): SeriesColumns | null {
  const [found, setFound] = useState<{ name: string; columns: SeriesColumns } | null>(null);
  const lastReadMs = useRef(0);
  useEffect(() => {
    if (name === null) return;
    const controller = new AbortController();
    const read = () => {
      lastReadMs.current = Date.now();
      const range = { fromStep: window?.fromStep ?? null, toStep: window?.toStep ?? null };
      readSeries(runId, name, range, POINTS, 'effective', controller.signal).then(
        (columns) => setFound({ name, columns }),
        (cause: unknown) => {
          // What is drawn stays; the next step tries again.
          if (!controller.signal.aborted) console.warn('scalar', cause);
        },
      );
    };
    const timer = setTimeout(read, Math.max(0, REFRESH_MS - (Date.now() - lastReadMs.current)));
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [runId, name, window, newestStep]);
  return found !== null && found.name === name ? found.columns : null;
}

export interface EarlierAttempt {
  readonly attempt: number;
  readonly loss: SeriesColumns;
  /** When its steps were; null where it reported no times. */
  readonly clock: StepClock | null;
}

const NONE: readonly EarlierAttempt[] = [];
const NOTHING = new TimelineSeries(1).columns;

/** The loss of attempts that were given up, from where each was left behind. */
export function useEarlierAttempts(
  runId: string,
  attempts: readonly Pick<Attempt, 'attempt' | 'resumeFromStep'>[],
): readonly EarlierAttempt[] {
  const [found, setFound] = useState(NONE);
  const key = attempts.map(({ attempt, resumeFromStep }) => `${attempt}:${resumeFromStep}`).join();
  useEffect(() => {
    const known = key
      .split(',')
      .map((entry) => entry.split(':').map(Number))
      .map(([attempt = 0, resumeFromStep = 0]) => ({ attempt, resumeFromStep }));
    if (known.length < 2) return;
    const controller = new AbortController();
    const reads = known.slice(0, -1).map(async ({ attempt }) => {
      const later = known.filter((other) => other.attempt > attempt);
      const fromStep = Math.min(...later.map(({ resumeFromStep }) => resumeFromStep));
      const range = { fromStep, toStep: null };
      const [loss, wallTime] = await Promise.all(
        ['loss', 'wall_time'].map((name) =>
          readSeries(runId, name, range, POINTS, attempt, controller.signal),
        ),
      );
      return {
        attempt,
        loss: loss ?? NOTHING,
        clock: prepareStepClock(wallTime ?? NOTHING),
      };
    });
    Promise.all(reads.slice(-SHOWN_ATTEMPTS)).then(setFound, (cause: unknown) => {
      if (!controller.signal.aborted) console.warn('earlier attempts', cause);
    });
    return () => controller.abort();
  }, [runId, key]);
  return attempts.length < 2 ? NONE : found;
}
