import { io, type Socket } from 'socket.io-client';
import type { LiveIncident } from '@/lib/contract/incidents';

/** What an open page hears of incidents, in order. */
export interface IncidentFeed {
  readonly heard: readonly LiveIncident[];
  /** The first that is not taken yet and of which it holds; waits for it. */
  take(holds: (live: LiveIncident) => boolean): Promise<LiveIncident>;
  close(): void;
}

export async function listenToIncidents(url: string, token?: string): Promise<IncidentFeed> {
  const socket: Socket = io(`${url}/live`, {
    transports: ['websocket'],
    ...(token === undefined ? {} : { auth: { token } }),
  });
  const heard: LiveIncident[] = [];
  const left: LiveIncident[] = [];
  socket.on('incident', (live: LiveIncident) => {
    heard.push(live);
    left.push(live);
  });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return {
    heard,
    async take(holds) {
      for (;;) {
        const at = left.findIndex(holds);
        const [found] = at < 0 ? [] : left.splice(at, 1);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => socket.once('incident', () => resolve()));
      }
    },
    close() {
      socket.close();
    },
  };
}
