'use client';

import { useEffect } from 'react';

/** What a run is called, and where it belongs. */
export interface RunName {
  readonly id: string;
  readonly name: string;
  readonly project: string;
}

/** Runs that this browser has read of, so that the next page of one has its name at once. */
const known = new Map<string, RunName>();

export function rememberRuns(runs: readonly RunName[]): void {
  for (const { id, name, project } of runs) known.set(id, { id, name, project });
}

/** The run's name as just read, else as read before, else null. */
export function useKnownRun(runId: string, read: RunName | null): RunName | null {
  useEffect(() => {
    if (read !== null) rememberRuns([read]);
  }, [read]);
  return read ?? known.get(runId) ?? null;
}
