'use client';

import { useState } from 'react';
import type { PatchRun } from '@/lib/contract/runs';
import { ApiFailure, apiPath, sendJson } from '@/app/_hooks/api-client';
import type { RunPatches } from './edit-dialog';

export interface RunEdits {
  /** Resolves with what went wrong in words, or null. */
  readonly save: (patches: RunPatches) => Promise<string | null>;
  /** What went wrong with the last pin; null since the next one. */
  readonly pinFault: string | null;
  readonly pin: (ids: readonly string[], pinned: boolean) => void;
}

const patchOf = (id: string, patch: PatchRun) =>
  sendJson('PATCH', apiPath(`/runs/${encodeURIComponent(id)}`), patch);

/** Changes of runs, one request each; what failed is said, what was saved stays saved. */
async function saveAll(patches: RunPatches): Promise<string | null> {
  const outcomes = await Promise.allSettled(patches.map(([id, patch]) => patchOf(id, patch)));
  const failures = outcomes.flatMap((outcome, index) => {
    if (outcome.status === 'fulfilled') return [];
    const cause: unknown = outcome.reason;
    return [
      `${patches[index]?.[0]}: ${cause instanceof ApiFailure ? cause.message : String(cause)}`,
    ];
  });
  const [first] = failures;
  if (first === undefined) return null;
  const saved = patches.length - failures.length;
  return saved === 0 && failures.length === 1
    ? `Not saved. ${first}`
    : `${saved} of ${patches.length} saved. ${first}`;
}

/** `onSaved` is called once the server has taken something. */
export function useRunEdits(onSaved: () => void): RunEdits {
  const [pinFault, setPinFault] = useState<string | null>(null);
  const save = async (patches: RunPatches) => {
    const problem = await saveAll(patches);
    onSaved();
    return problem;
  };
  return {
    save,
    pinFault,
    pin: (ids, pinned) => {
      setPinFault(null);
      void save(ids.map((id) => [id, { pinned }] as const)).then(setPinFault);
    },
  };
}
