'use client';

import { useSyncExternalStore } from 'react';

/**
 * Whether this browser shows notifications of incidents. The choice is the browser's own:
 * it is asked for by a click, never by a page that opens.
 */
export type NotifyState =
  /** The page is not served over https or from this machine: browsers allow none. */
  | 'insecure'
  | 'unsupported'
  | 'off'
  | 'on'
  /** The browser was told to refuse, and will not ask again. */
  | 'denied'
  /** Turned on, but the browser would not show one. */
  | 'refused';

const KEY = 'spikescope.notify';
const listeners = new Set<() => void>();

function changed(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  // Another tab may have changed it.
  if (listeners.size === 1) window.addEventListener('storage', changed);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.removeEventListener('storage', changed);
  };
}

function isChosen(): boolean {
  try {
    return window.localStorage.getItem(KEY) === 'on';
  } catch {
    return false;
  }
}

function choose(value: 'on' | 'off'): void {
  try {
    window.localStorage.setItem(KEY, value);
  } catch {
    // Without storage the choice cannot be kept, and so is not made.
  }
  changed();
}

export function readNotifyState(): NotifyState {
  if (!window.isSecureContext) return 'insecure';
  if (!('Notification' in window)) return 'unsupported';
  if (Notification.permission === 'denied') return 'denied';
  if (Notification.permission !== 'granted' || !isChosen()) return 'off';
  return isRefused ? 'refused' : 'on';
}

let isRefused = false;

/** A notification could not be shown; said until the page is loaded anew or they are turned on again. */
export function reportRefusal(cause: unknown): void {
  console.warn('A notification could not be shown.', cause);
  isRefused = true;
  changed();
}

const readOnServer = (): NotifyState => 'off';

export function useNotifyState(): NotifyState {
  return useSyncExternalStore(subscribe, readNotifyState, readOnServer);
}

/** Asks the browser where it was not asked yet; to be called from a click. */
export async function turnNotificationsOn(): Promise<void> {
  isRefused = false;
  if (Notification.permission === 'default') await Notification.requestPermission();
  choose(Notification.permission === 'granted' ? 'on' : 'off');
}

export function turnNotificationsOff(): void {
  choose('off');
}
