'use client';

import { useEffect, useRef } from 'react';

/** Something that can be done on the page that is open: by a key, from the palette, or both. */
export interface PageAction {
  /** As a command: "Change the layout". */
  readonly label: string;
  /** The caps of its keys, alternatives and chords alike: ["←", "→"], ["Ctrl", "Z"]. */
  readonly keys?: readonly string[];
  /** Absent where a key alone makes sense, as for the arrows. */
  readonly run?: () => void;
}

export interface ActionGroup {
  readonly title: string;
  /** Groups stand by it, those of the page itself (0) first. */
  readonly order: number;
  readonly actions: readonly PageAction[];
}

/** A place to go to, or a choice to make, found by its name. */
export interface SearchItem {
  readonly label: string;
  /** What it is, in grey: "layer 4", "run of char-lm". */
  readonly detail: string;
  /** An address, or what happens. */
  readonly go: string | (() => void);
}

export interface SearchGroup {
  readonly title: string;
  readonly items: readonly SearchItem[];
}

/** What a page adds to the runs, which are searched everywhere. */
export interface PageSearch {
  readonly groups: readonly SearchGroup[];
  /** Where a typed number leads; null where steps mean nothing. */
  readonly goToStep: ((step: number) => void) | null;
}

interface Source<T> {
  readonly read: () => T;
}

const actionSources = new Set<Source<ActionGroup>>();
const searchSources = new Set<Source<PageSearch | undefined>>();

/** Kept outside React: pages change with every frame, and nobody looks until a dialog opens. */
function useSource<T>(sources: Set<Source<T>>, value: T): void {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  useEffect(() => {
    const source = { read: () => latest.current };
    sources.add(source);
    return () => {
      sources.delete(source);
    };
  }, [sources]);
}

/** Offers actions in the palette and lists their keys, while the component is there. */
export function usePageActions(title: string, actions: readonly PageAction[], order = 0): void {
  useSource(actionSources, { title, order, actions });
}

export function useSearchOffer(search: PageSearch | undefined): void {
  useSource(searchSources, search);
}

/** All that is offered now, groups of one title as one. */
export function readPageActions(): readonly ActionGroup[] {
  const byTitle = new Map<string, ActionGroup>();
  for (const { read } of actionSources) {
    const group = read();
    const before = byTitle.get(group.title)?.actions ?? [];
    byTitle.set(group.title, { ...group, actions: [...before, ...group.actions] });
  }
  return [...byTitle.values()].sort((a, b) => a.order - b.order);
}

export function readPageSearch(): PageSearch {
  const all = Array.from(searchSources, ({ read }) => read()).filter((s) => s !== undefined);
  return {
    groups: all.flatMap(({ groups }) => groups),
    goToStep: all.findLast(({ goToStep }) => goToStep !== null)?.goToStep ?? null,
  };
}
