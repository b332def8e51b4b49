'use client';

import { useCallback, useEffect, useState } from 'react';
import { runsReplySchema } from '@/lib/contract/reads';
import type { RunSummary } from '@/lib/contract/runs';
import { ApiFailure, apiPath, readJson } from '@/app/_hooks/api-client';

const POLL_MS = 2000;
/** One page of the API; more are read on request. */
const PAGE_SIZE = 500;

export interface Runs {
  /** null until the first reply. */
  readonly runs: readonly RunSummary[] | null;
  /** How many there are on the server. */
  readonly total: number;
  readonly error: ApiFailure | null;
  readonly retry: () => void;
  readonly loadMore: () => void;
}

interface State {
  readonly runs: readonly RunSummary[] | null;
  readonly total: number;
  readonly error: ApiFailure | null;
}

async function readPages(
  pages: number,
  signal: AbortSignal,
): Promise<{ runs: RunSummary[]; total: number }> {
  const runs: RunSummary[] = [];
  let total = 0;
  let cursor: string | null = null;
  for (let page = 0; page < pages; page++) {
    const path = apiPath('/runs', { limit: PAGE_SIZE, cursor });
    const reply = await readJson(path, runsReplySchema, signal);
    runs.push(...reply.items);
    total = reply.total;
    if (reply.nextCursor === undefined) break;
    cursor = reply.nextCursor;
  }
  return { runs, total };
}

/** Keeps the objects of runs that did not change, so that only what changed is drawn anew. */
function keepUnchanged(
  before: readonly RunSummary[] | null,
  after: readonly RunSummary[],
): readonly RunSummary[] {
  if (before === null) return after;
  const known = new Map(before.map((run) => [run.id, run]));
  const merged = after.map((run) => {
    const old = known.get(run.id);
    return old !== undefined && JSON.stringify(old) === JSON.stringify(run) ? old : run;
  });
  const isSame = merged.length === before.length && merged.every((run, i) => run === before[i]);
  return isSame ? before : merged;
}

/**
 * The runs, read again every two seconds while the tab is seen and at once when it is
 * seen again. A failed read keeps what is there beside the error.
 */
export function useRuns(): Runs {
  const [state, setState] = useState<State>({ runs: null, total: 0, error: null });
  const [pages, setPages] = useState(1);
  const [round, setRound] = useState(0);

  useEffect(() => {
    const controller = new AbortController();
    let isReading = false;
    const read = async () => {
      if (isReading || document.visibilityState !== 'visible') return;
      isReading = true;
      try {
        const { runs, total } = await readPages(pages, controller.signal);
        setState((before) => ({ runs: keepUnchanged(before.runs, runs), total, error: null }));
      } catch (cause) {
        if (controller.signal.aborted) return;
        const error =
          cause instanceof ApiFailure
            ? cause
            : new ApiFailure('unexpected', cause instanceof Error ? cause.message : '', null);
        setState((before) => ({ ...before, error }));
      } finally {
        isReading = false;
      }
    };
    const readSoon = () => void read();
    readSoon();
    const timer = setInterval(readSoon, POLL_MS);
    document.addEventListener('visibilitychange', readSoon);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', readSoon);
      controller.abort();
    };
  }, [pages, round]);

  const retry = useCallback(() => setRound((before) => before + 1), []);
  const loadMore = useCallback(() => setPages((before) => before + 1), []);
  return { ...state, retry, loadMore };
}
