'use client';

import { useCallback, useEffect, useState } from 'react';
import type { z } from 'zod';
import { ApiFailure, readJson } from './api-client';

export interface ApiResult<T> {
  /** The newest reply; with `keepPrevious` the one of the path before, until this one's comes. */
  readonly data: T | null;
  readonly error: ApiFailure | null;
  readonly isLoading: boolean;
  readonly retry: () => void;
}

interface Outcome<T> {
  readonly path: string;
  readonly data: T | null;
  readonly error: ApiFailure | null;
}

/**
 * Reads one path of the API. `path` null reads nothing. A failed refresh keeps the data
 * that is there beside the error, so a page never empties under its reader.
 */
export function useApi<T>(
  path: string | null,
  schema: z.ZodType<T>,
  options: { readonly refreshMs?: number; readonly keepPrevious?: boolean } = {},
): ApiResult<T> {
  const { refreshMs, keepPrevious = false } = options;
  const [outcome, setOutcome] = useState<Outcome<T> | null>(null);
  const [round, setRound] = useState(0);
  const retry = useCallback(() => setRound((before) => before + 1), []);

  useEffect(() => {
    if (path === null) return;
    const controller = new AbortController();
    readJson(path, schema, controller.signal).then(
      (data) => setOutcome({ path, data, error: null }),
      (cause: unknown) => {
        if (controller.signal.aborted) return;
        const error =
          cause instanceof ApiFailure
            ? cause
            : new ApiFailure('unexpected', cause instanceof Error ? cause.message : '', null);
        setOutcome((before) => ({
          path,
          data: before !== null && before.path === path ? before.data : null,
          error,
        }));
      },
    );
    return () => controller.abort();
  }, [path, schema, round]);

  useEffect(() => {
    if (refreshMs === undefined || path === null) return;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') retry();
    }, refreshMs);
    return () => clearInterval(timer);
  }, [refreshMs, path, retry]);

  const isCurrent = outcome !== null && outcome.path === path;
  return {
    data: outcome !== null && (isCurrent || (keepPrevious && path !== null)) ? outcome.data : null,
    error: isCurrent ? outcome.error : null,
    isLoading: path !== null && !isCurrent,
    retry,
  };
}
