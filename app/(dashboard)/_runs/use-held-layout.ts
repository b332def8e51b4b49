'use client';

import { useEffect, useRef, useState, type FocusEvent, type PointerEvent } from 'react';
import type { RunGroup, RunRow } from '@/lib/view/runs/runs-list';

/** How long after a touch the rows stay where they are: long enough to read and tap again. */
const TOUCH_HOLD_MS = 8000;

/** Which rows stand where, and what they last said in case they leave the list. */
interface Layout {
  /** The answer that it holds: one that somebody asked for since is not held back. */
  readonly answer: string;
  readonly groups: readonly RunGroup[];
}

export interface HeldLayout {
  readonly groups: readonly RunGroup[];
  /** Rows that wait for their place. */
  readonly waitingCount: number;
  readonly holdProps: {
    readonly onPointerEnter: (event: PointerEvent) => void;
    readonly onPointerLeave: (event: PointerEvent) => void;
    readonly onPointerDown: (event: PointerEvent) => void;
    readonly onFocus: (event: FocusEvent) => void;
    readonly onBlur: (event: FocusEvent) => void;
  };
}

/**
 * While someone is at the rows (a mouse over them, the keyboard in them, a finger just on
 * them) their places are held, so that nothing jumps away; what they say goes on. What the
 * person asks for (another order, filter or group, a pin: another `answer`) takes place at
 * once.
 */
export function useHeldLayout(groups: readonly RunGroup[], answer: string): HeldLayout {
  const [isPointed, setIsPointed] = useState(false);
  const [isFocused, setIsFocused] = useState(false);
  const [isTouched, setIsTouched] = useState(false);
  const [held, setHeld] = useState<Layout | null>(null);
  const touchTimer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(touchTimer.current), []);

  const isHolding = isPointed || isFocused || isTouched;
  if (isHolding && held?.answer !== answer) setHeld({ answer, groups });
  if (!isHolding && held !== null) setHeld(null);
  const layout = isHolding && held?.answer === answer ? held : null;

  const isAtRows = ({ target }: FocusEvent) =>
    target.matches(':focus-visible') && target.closest('tbody') !== null;
  return {
    ...(layout === null ? { groups, waitingCount: 0 } : merge(layout.groups, groups)),
    holdProps: {
      onPointerEnter: (event) => {
        if (event.pointerType === 'mouse') setIsPointed(true);
      },
      onPointerLeave: () => setIsPointed(false),
      onPointerDown: (event) => {
        if (event.pointerType === 'mouse') return;
        setIsTouched(true);
        clearTimeout(touchTimer.current);
        touchTimer.current = setTimeout(() => setIsTouched(false), TOUCH_HOLD_MS);
      },
      onFocus: (event) => setIsFocused(isAtRows(event)),
      onBlur: (event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setIsFocused(false);
      },
    },
  };
}

/** The held places with what the rows say now. */
function merge(
  held: readonly RunGroup[],
  groups: readonly RunGroup[],
): { readonly groups: readonly RunGroup[]; readonly waitingCount: number } {
  const now = new Map<string, RunRow>(
    groups.flatMap(({ rows }) => rows.map((row) => [row.id, row])),
  );
  const places = new Set(held.flatMap(({ rows }) => rows.map(({ id }) => id)));
  const counts = new Map(groups.map(({ project, count }) => [project, count]));
  return {
    groups: held.map((group) => ({
      ...group,
      count: counts.get(group.project) ?? group.count,
      rows: group.rows.map((row) => now.get(row.id) ?? row),
    })),
    waitingCount: [...now.keys()].filter((id) => !places.has(id)).length,
  };
}
