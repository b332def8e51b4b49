'use client';

/**
 * The URL's query as a store outside React. Every view writes its state here; the back
 * button undoes what was pushed (a zoom), not what was replaced (a crosshair).
 */
const listeners = new Set<() => void>();

export function readUrlQuery(): string {
  return typeof window === 'undefined' ? '' : window.location.search;
}

export function notifyUrlChange(): void {
  for (const listener of listeners) listener();
}

export function subscribeToUrl(listener: () => void): () => void {
  if (listeners.size === 0) window.addEventListener('popstate', notifyUrlChange);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.removeEventListener('popstate', notifyUrlChange);
  };
}

/** Sets or, with null, removes parameters. Nothing happens when nothing changes. */
export function patchUrl(
  patch: Readonly<Record<string, string | null>>,
  mode: 'push' | 'replace' = 'replace',
): void {
  const parameters = new URLSearchParams(window.location.search);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) parameters.delete(name);
    else parameters.set(name, value);
  }
  const query = parameters.toString();
  const target = `${window.location.pathname}${query.length > 0 ? `?${query}` : ''}${window.location.hash}`;
  const here = `${window.location.pathname}${window.location.search}${window.location.hash}`;
  if (target === here) return;
  if (mode === 'push') window.history.pushState(null, '', target);
  else window.history.replaceState(null, '', target);
  notifyUrlChange();
}
