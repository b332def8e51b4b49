'use client';

import { joinNames, splitNames } from '@/lib/contract/name-list';
import type { RunSummary } from '@/lib/contract/runs';
import { useUrlState } from '@/app/_hooks/use-url-state';
import { useRunsById } from './use-runs';

export interface ChosenRuns {
  readonly ids: readonly string[];
  /** Those that exist, in the order in which they were chosen. */
  readonly runs: readonly RunSummary[];
  readonly toggle: (id: string) => void;
  readonly clear: () => void;
  /** Reads again those that are not on the list. */
  readonly retry: () => void;
}

/** The chosen runs, as the URL holds them: on the list or, once a filter hides them, read apart. */
export function useChosenRuns(listed: readonly RunSummary[]): ChosenRuns {
  const [parameters, patchUrl] = useUrlState();
  const ids = splitNames(parameters.get('runs') ?? '');
  const onList = new Map(listed.map((run) => [run.id, run]));
  const apart = useRunsById(ids.filter((id) => !onList.has(id)));
  const known = new Map([...(apart.data ?? []).map((run) => [run.id, run] as const), ...onList]);
  const set = (next: readonly string[]) =>
    patchUrl({ runs: next.length === 0 ? null : joinNames(next) });
  return {
    ids,
    runs: ids.flatMap((id) => known.get(id) ?? []),
    toggle: (id) => set(ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id]),
    clear: () => set([]),
    retry: apart.retry,
  };
}
