'use client';

import { useSyncExternalStore } from 'react';

/** The dialogs that every page has. */
export type PageTool = 'palette' | 'shortcuts';

const listeners = new Set<() => void>();
let shown: PageTool | null = null;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Opens one of them in the place of another; null closes. */
export function openTool(tool: PageTool | null): void {
  if (tool === shown) return;
  shown = tool;
  for (const listener of listeners) listener();
}

const readShown = (): PageTool | null => shown;
const readOnServer = (): PageTool | null => null;

export function useOpenTool(): PageTool | null {
  return useSyncExternalStore(subscribe, readShown, readOnServer);
}
