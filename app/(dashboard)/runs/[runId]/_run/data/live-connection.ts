import { io, type Socket } from 'socket.io-client';
import { decodeHeatmapColumns, type HeatmapColumns } from '@/lib/contract/heatmap-columns';
import {
  LIVE_NAMESPACE,
  LIVE_PATH,
  liveEventSchema,
  liveFramesHeadSchema,
  liveRunSchema,
  subscribeReplySchema,
  type LiveEvent,
  type LiveRun,
} from '@/lib/contract/live';

export type ConnectionState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected' }
  | { readonly kind: 'lost'; readonly nextTryAtMs: number }
  | { readonly kind: 'refused'; readonly message: string };

export interface LiveColumns {
  readonly columns: HeatmapColumns;
  readonly attempt: number;
  /** Messages were skipped before this one; the missing steps are to be read over HTTP. */
  readonly hasGap: boolean;
}

export interface LiveHandlers {
  /** The newest step that the viewer has; -1 for none. Asked anew at each connection. */
  readonly newestStep: () => number;
  readonly onState: (state: ConnectionState) => void;
  /** The subscription stands; the server's newest step may be ahead of the viewer's. */
  readonly onSubscribed: (serverNewestStep: number, attempt: number) => void;
  readonly onColumns: (message: LiveColumns) => void;
  readonly onRun: (run: LiveRun) => void;
  readonly onEvent: (event: LiveEvent) => void;
}

/** Seconds before each next try; the last one repeats. */
const RETRY_SECONDS = [1, 2, 4, 8, 15];

/**
 * One subscription to `/live`: connects, subscribes, tries again on its own clock (so that
 * the page can say when) and turns messages into columns. Sequence numbers are watched
 * here; who listens hears only whether something is missing.
 */
export class LiveConnection {
  private readonly runId: string;
  private readonly metric: string;
  private readonly handlers: LiveHandlers;
  private socket: Socket | null = null;
  private failedTries = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  /** null until the subscription's reply: what comes before it is covered by the read after. */
  private lastSequence: number | null = null;

  constructor(runId: string, metric: string, handlers: LiveHandlers) {
    this.runId = runId;
    this.metric = metric;
    this.handlers = handlers;
  }

  start(): void {
    const socket = io(LIVE_NAMESPACE, {
      path: LIVE_PATH,
      reconnection: false,
      forceNew: true,
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      withCredentials: true,
    });
    this.socket = socket;
    this.handlers.onState({ kind: 'connecting' });
    socket.on('connect', () => this.subscribe(socket));
    socket.on('disconnect', () => this.retryLater());
    socket.on('connect_error', () => this.retryLater());
    socket.on('frames', (head: unknown, body: unknown) => this.receiveFrames(head, body));
    socket.on('run', (payload: unknown) => {
      const parsed = liveRunSchema.safeParse(payload);
      if (parsed.success && parsed.data.runId === this.runId) this.handlers.onRun(parsed.data);
    });
    socket.on('event', (payload: unknown) => {
      const parsed = liveEventSchema.safeParse(payload);
      if (parsed.success && parsed.data.runId === this.runId) this.handlers.onEvent(parsed.data);
    });
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.socket?.removeAllListeners();
    this.socket?.disconnect();
    this.socket = null;
  }

  /** Tries at once instead of at the next time set. */
  retryNow(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.socket === null || this.socket.connected) return;
    this.handlers.onState({ kind: 'connecting' });
    this.socket.connect();
  }

  private subscribe(socket: Socket): void {
    const afterStep = this.handlers.newestStep();
    this.lastSequence = null;
    socket.emit(
      'subscribe',
      { runId: this.runId, metric: this.metric, afterStep },
      (answer: unknown) => {
        const reply = subscribeReplySchema.safeParse(answer);
        if (!reply.success) {
          this.handlers.onState({
            kind: 'refused',
            message: 'The live reply has an unknown form. Reload the page.',
          });
        } else if (!reply.data.ok) {
          this.handlers.onState({ kind: 'refused', message: reply.data.message });
        } else {
          this.failedTries = 0;
          this.lastSequence = reply.data.sequence;
          this.handlers.onState({ kind: 'connected' });
          this.handlers.onSubscribed(reply.data.newestStep, reply.data.attempt);
        }
      },
    );
  }

  private receiveFrames(head: unknown, body: unknown): void {
    const parsed = liveFramesHeadSchema.safeParse(head);
    if (!parsed.success || parsed.data.runId !== this.runId) return;
    if (parsed.data.metric !== this.metric) return;
    if (!(body instanceof ArrayBuffer) && !(body instanceof Uint8Array)) return;
    const { sequence, attempt } = parsed.data;
    const hasGap = this.lastSequence !== null && sequence !== this.lastSequence + 1;
    this.lastSequence = sequence;
    const bytes = body instanceof Uint8Array ? body : new Uint8Array(body);
    this.handlers.onColumns({ columns: decodeHeatmapColumns(bytes), attempt, hasGap });
  }

  private retryLater(): void {
    if (this.socket === null || this.timer !== null) return;
    const seconds = RETRY_SECONDS[Math.min(this.failedTries, RETRY_SECONDS.length - 1)] ?? 15;
    this.failedTries++;
    this.handlers.onState({ kind: 'lost', nextTryAtMs: Date.now() + seconds * 1000 });
    this.timer = setTimeout(() => {
      this.timer = null;
      this.socket?.connect();
    }, seconds * 1000);
  }
}
