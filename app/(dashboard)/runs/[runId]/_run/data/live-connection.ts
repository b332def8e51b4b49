import { decodeHeatmapColumns, type HeatmapColumns } from '@/lib/contract/heatmap-columns';
import {
  liveEventSchema,
  liveFramesHeadSchema,
  liveRunSchema,
  subscribeReplySchema,
  type LiveEvent,
  type LiveRun,
} from '@/lib/contract/live';
import { LiveSocket } from '@/app/_hooks/live-socket';

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

const RETRY_SECONDS = [1, 2, 4, 8, 15];

/**
 * One subscription to `/live`: connects, subscribes anew at each connection and turns
 * messages into columns. Sequence numbers are watched here; who listens hears only whether
 * something is missing.
 */
export class LiveConnection {
  private readonly runId: string;
  private readonly metric: string;
  private readonly handlers: LiveHandlers;
  private live: LiveSocket | null = null;
  /** null until the subscription's reply: what comes before it is covered by the read after. */
  private lastSequence: number | null = null;

  constructor(runId: string, metric: string, handlers: LiveHandlers) {
    this.runId = runId;
    this.metric = metric;
    this.handlers = handlers;
  }

  start(): void {
    const live = new LiveSocket({
      retrySeconds: RETRY_SECONDS,
      onLost: (nextTryAtMs) => this.handlers.onState({ kind: 'lost', nextTryAtMs }),
    });
    const { socket } = live;
    this.live = live;
    this.handlers.onState({ kind: 'connecting' });
    socket.on('connect', () => this.subscribe(live));
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
    this.live?.close();
    this.live = null;
  }

  /** Tries at once instead of at the next time set. */
  retryNow(): void {
    if (this.live?.retryNow() === true) this.handlers.onState({ kind: 'connecting' });
  }

  private subscribe(live: LiveSocket): void {
    const afterStep = this.handlers.newestStep();
    this.lastSequence = null;
    live.socket.emit(
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
          live.settle();
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
}
