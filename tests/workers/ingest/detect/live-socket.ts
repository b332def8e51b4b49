import { type Socket, io } from 'socket.io-client';
import { type LiveEvent, liveEventSchema } from '@/lib/contract/live';

/** A viewer of one run that keeps what it is told, and can be waited for. */
export interface LiveViewer {
  readonly events: readonly LiveEvent[];
  /** Resolves with the first event, past or to come, that passes. */
  readonly heard: (passes: (event: LiveEvent) => boolean) => Promise<LiveEvent>;
  readonly close: () => void;
}

export async function openViewer(url: string, runId: string): Promise<LiveViewer> {
  const socket: Socket = io(`${url}/live`, { transports: ['websocket'], reconnection: false });
  const events: LiveEvent[] = [];
  const waiting = new Set<(event: LiveEvent) => void>();
  socket.on('event', (payload: unknown) => {
    const event = liveEventSchema.parse(payload);
    events.push(event);
    for (const look of waiting) look(event);
  });
  const request = { runId, metric: 'gradient_rms', afterStep: -1 };
  const reply = (await socket.emitWithAck('subscribe', request)) as { ok: boolean };
  if (!reply.ok) throw new Error(`the subscription to ${runId} was refused`);
  return {
    events,
    heard: (passes) => {
      const past = events.find(passes);
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((resolve) => {
        const look = (event: LiveEvent): void => {
          if (!passes(event)) return;
          waiting.delete(look);
          resolve(event);
        };
        waiting.add(look);
      });
    },
    close: () => {
      socket.close();
    },
  };
}
