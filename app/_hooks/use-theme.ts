'use client';

import { useSyncExternalStore } from 'react';
import { flushSync } from 'react-dom';
import { THEME_STORAGE_KEY } from '../_design/theme-script';
import { patchUrl } from './url-store';

export type Theme = 'dark' | 'light';

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The theme that is shown now. */
export const readTheme = (): Theme =>
  document.documentElement.dataset['theme'] === 'light' ? 'light' : 'dark';
const readOnServer = (): Theme => 'dark';

/** Shows a theme without choosing it, canvases redrawn when this returns: paper waits for nobody. */
export function showTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
  flushSync(() => {
    for (const listener of listeners) listener();
  });
}

/** Sets the theme, in the page, in this browser and in the URL, which a colleague may be sent. */
export function setTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
  try {
    window.localStorage.setItem(THEME_STORAGE_KEY, theme);
  } catch {
    // A browser without storage keeps the choice in the URL alone.
  }
  patchUrl({ theme });
  for (const listener of listeners) listener();
}

/** The theme that is shown; canvases redraw when it changes. */
export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, readTheme, readOnServer);
}
