'use client';

import { useEffect, useState } from 'react';
import { joinNames, splitNames } from '@/lib/contract/name-list';
import { runSettingsSchema, type RunSettings, type RunSummary } from '@/lib/contract/runs';
import type { ComparedRun } from '@/lib/view/comparison/config-difference';
import { ApiFailure, apiPath, readJson } from '@/app/_hooks/api-client';

export interface ComparedRuns {
  /** Those whose settings are here, in the order of the runs. */
  readonly runs: readonly ComparedRun[];
  readonly isLoading: boolean;
  readonly error: string | null;
  readonly retry: () => void;
}

/** Nothing but a restart, which may bring another optimizer, changes settings. */
const versionOf = ({ id, attempt }: RunSummary) => `${id} ${attempt}`;

async function readSettings(version: string, signal: AbortSignal): Promise<RunSettings> {
  const [id = ''] = version.split(' ');
  const path = apiPath(`/runs/${encodeURIComponent(id)}/settings`);
  return readJson(path, runSettingsSchema, signal);
}

/** The settings of runs, each read once. */
export function useRunSettings(runs: readonly RunSummary[]): ComparedRuns {
  const [known, setKnown] = useState<ReadonlyMap<string, RunSettings>>(new Map());
  const [failure, setFailure] = useState<{ asked: string; message: string } | null>(null);
  const [round, setRound] = useState(0);
  const asked = joinNames(runs.map(versionOf).filter((version) => !known.has(version)));

  useEffect(() => {
    const controller = new AbortController();
    const versions = splitNames(asked);
    if (versions.length === 0) return;
    Promise.all(
      versions.map(async (version) => {
        const settings = await readSettings(version, controller.signal);
        return [version, settings] as const;
      }),
    ).then(
      (read) => {
        setFailure(null);
        setKnown((before) => new Map([...before, ...read]));
      },
      (cause: unknown) => {
        if (controller.signal.aborted) return;
        const message = cause instanceof ApiFailure ? cause.message : String(cause);
        setFailure({ asked, message });
      },
    );
    return () => controller.abort();
  }, [asked, round]);

  const error = failure !== null && failure.asked === asked ? failure.message : null;
  return {
    runs: runs.flatMap((run) => {
      const settings = known.get(versionOf(run));
      return settings === undefined ? [] : [{ id: run.id, name: run.name, settings }];
    }),
    isLoading: asked !== '' && error === null,
    error,
    retry: () => {
      setFailure(null);
      setRound((before) => before + 1);
    },
  };
}
