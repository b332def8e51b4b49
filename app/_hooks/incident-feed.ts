'use client';

/**
 * What alert rules find, told to every page that is open. One socket a tab brings the
 * messages; how many incidents wait for somebody is read over HTTP, when the page opens,
 * once it is connected, after every message and now and then.
 */
import { useEffect, useEffectEvent, useSyncExternalStore } from 'react';
import {
  incidentsReplySchema,
  liveIncidentSchema,
  type LiveIncident,
} from '@/lib/contract/incidents';
import { apiPath, readJson } from './api-client';
import { LiveSocket } from './live-socket';

const RETRY_SECONDS = [2, 4, 8, 15, 30];
/** A message may have been missed: the count is read again so often. */
const REFRESH_MS = 60_000;
/** Several incidents that open together are one read. */
const GATHER_MS = 150;

/** null: a connection was made, and what happened before it is not known. */
type Listener = (message: LiveIncident | null) => void;

class IncidentFeed {
  private readonly listeners = new Set<Listener>();
  private readonly countListeners = new Set<() => void>();
  private live: LiveSocket | null = null;
  private countTimer: ReturnType<typeof setTimeout> | null = null;
  private refreshTimer: ReturnType<typeof setInterval> | null = null;
  private abort = new AbortController();
  /** Open and not acknowledged, of all projects that the reader may see; null before it is known. */
  private openCount: number | null = null;

  readonly listen = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    this.startOrStop();
    return () => {
      this.listeners.delete(listener);
      this.startOrStop();
    };
  };

  readonly listenToCount = (listener: () => void): (() => void) => {
    this.countListeners.add(listener);
    this.startOrStop();
    return () => {
      this.countListeners.delete(listener);
      this.startOrStop();
    };
  };

  readonly readCount = (): number | null => this.openCount;

  /** Reads the count anew, soon: for the page that has just changed something itself. */
  readonly refresh = (): void => {
    this.countTimer ??= setTimeout(() => {
      this.countTimer = null;
      void this.readOpenCount();
    }, GATHER_MS);
  };

  private startOrStop(): void {
    const isWanted = this.listeners.size + this.countListeners.size > 0;
    if (isWanted === (this.refreshTimer !== null)) return;
    if (!isWanted) {
      this.stop();
      return;
    }
    this.abort = new AbortController();
    this.refreshTimer = setInterval(() => {
      if (document.visibilityState === 'visible') this.refresh();
    }, REFRESH_MS);
    document.addEventListener('visibilitychange', this.onVisible);
    this.refresh();
    this.connect();
  }

  private stop(): void {
    this.abort.abort();
    if (this.countTimer !== null) clearTimeout(this.countTimer);
    if (this.refreshTimer !== null) clearInterval(this.refreshTimer);
    this.countTimer = null;
    this.refreshTimer = null;
    document.removeEventListener('visibilitychange', this.onVisible);
    this.live?.close();
    this.live = null;
  }

  private readonly onVisible = (): void => {
    if (document.visibilityState === 'visible') this.refresh();
  };

  private connect(): void {
    const live = new LiveSocket({ retrySeconds: RETRY_SECONDS });
    const { socket } = live;
    this.live = live;
    socket.on('connect', () => {
      live.settle();
      // The first time too: what opened after the page had read and before this was told to nobody here.
      this.refresh();
      for (const listener of this.listeners) listener(null);
    });
    socket.on('incident', (payload: unknown) => {
      const parsed = liveIncidentSchema.safeParse(payload);
      // A newer server's message that this page cannot read still says that something changed.
      this.refresh();
      if (!parsed.success) return;
      for (const listener of this.listeners) listener(parsed.data);
    });
  }

  private async readOpenCount(): Promise<void> {
    const path = apiPath('/incidents', { state: 'open', limit: 1 });
    try {
      const { openCount } = await readJson(path, incidentsReplySchema, this.abort.signal);
      if (openCount === this.openCount) return;
      this.openCount = openCount;
    } catch {
      // What was known stays: the page's own reads say that the server is away.
      return;
    }
    for (const listener of this.countListeners) listener();
  }
}

const feed = new IncidentFeed();
const nothing = (): null => null;

/** Open incidents that nobody has acknowledged, kept up to date; null before they are known. */
export function useOpenIncidentCount(): number | null {
  return useSyncExternalStore(feed.listenToCount, feed.readCount, nothing);
}

/** Hears of every incident while the component is there; null when some may have been missed. */
export function useIncidents(onMessage: Listener): void {
  const hear = useEffectEvent(onMessage);
  useEffect(() => feed.listen((message) => hear(message)), []);
}

export const refreshOpenIncidents = feed.refresh;
