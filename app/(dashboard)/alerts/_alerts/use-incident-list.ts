'use client';

import { useCallback, useEffect, useRef } from 'react';
import { incidentsReplySchema, type IncidentsReply } from '@/lib/contract/incidents';
import { apiPath } from '@/app/_hooks/api-client';
import { useIncidents } from '@/app/_hooks/incident-feed';
import { useApi, type ApiResult } from '@/app/_hooks/use-api';

/** Incidents that open together are one read. */
const GATHER_MS = 150;
/** Peaks grow without a message; closed ones do not. */
const REFRESH_MS = 20_000;

export interface IncidentFilter {
  readonly project: string | null;
  readonly runId: string | null;
  readonly ruleId: string | null;
}

export function incidentsPath(
  filter: IncidentFilter,
  state: 'open' | 'closed' | 'all',
  limit: number,
): string {
  return apiPath('/incidents', { ...filter, state, limit });
}

/** A list of incidents, read again whenever one opens, closes or is acknowledged. */
export function useIncidentList(path: string | null): ApiResult<IncidentsReply> {
  const result = useApi(path, incidentsReplySchema, { refreshMs: REFRESH_MS, keepPrevious: true });
  const readSoon = useGathered(result.retry);
  useIncidents(readSoon);
  return result;
}

/** Calls it once, a moment after the first of several calls. */
export function useGathered(act: () => void): () => void {
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  useEffect(
    () => () => {
      if (timer.current !== null) clearTimeout(timer.current);
      timer.current = null;
    },
    [act],
  );
  return useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = null;
      act();
    }, GATHER_MS);
  }, [act]);
}
