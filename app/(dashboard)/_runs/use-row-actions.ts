'use client';

import { useEffect, useRef, useState } from 'react';
import type { RunSummary } from '@/lib/contract/runs';
import type { RowActions } from './run-row';
import type { ChosenRuns } from './use-chosen-runs';
import type { RunEdits } from './use-run-edits';

interface Parts {
  readonly chosen: ChosenRuns;
  readonly runs: readonly RunSummary[];
  readonly edits: RunEdits;
  readonly edit: (ids: readonly string[]) => void;
}

/** Actions of rows that stay the same functions, so that no row is drawn anew for them. */
export function useRowActions(parts: Parts): RowActions {
  const newest = useRef(parts);
  useEffect(() => {
    newest.current = parts;
  });
  const [actions] = useState<RowActions>(() => ({
    toggleChosen: (id) => newest.current.chosen.toggle(id),
    togglePinned: (id) => {
      const { runs, chosen, edits } = newest.current;
      const run = [...runs, ...chosen.runs].find((one) => one.id === id);
      if (run !== undefined) edits.pin([id], !run.pinned);
    },
    edit: (id) => newest.current.edit([id]),
  }));
  return actions;
}
