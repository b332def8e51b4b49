import { io, type Socket } from 'socket.io-client';
import { LIVE_NAMESPACE, LIVE_PATH } from '@/lib/contract/live';

/**
 * A socket to `/live`, open from the start, that tries again on a clock of its own: the
 * library's would not let a page say when the next try is.
 */
export class LiveSocket {
  readonly socket: Socket;
  private readonly retrySeconds: readonly number[];
  private readonly onLost: (nextTryAtMs: number) => void;
  private failedTries = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor({
    retrySeconds,
    onLost = () => undefined,
  }: {
    /** Before each next try, rising; the last one repeats. */
    readonly retrySeconds: readonly number[];
    readonly onLost?: (nextTryAtMs: number) => void;
  }) {
    this.retrySeconds = retrySeconds;
    this.onLost = onLost;
    this.socket = io(LIVE_NAMESPACE, {
      path: LIVE_PATH,
      reconnection: false,
      forceNew: true,
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      withCredentials: true,
    });
    this.socket.on('disconnect', () => this.retryLater());
    this.socket.on('connect_error', () => this.retryLater());
  }

  /** It does what it is for: after the next loss the shortest wait comes first again. */
  settle(): void {
    this.failedTries = 0;
  }

  /** Tries at once instead of at the next time set; false where it is connected. */
  retryNow(): boolean {
    this.clearTimer();
    if (this.socket.connected) return false;
    this.socket.connect();
    return true;
  }

  close(): void {
    this.clearTimer();
    this.socket.removeAllListeners();
    this.socket.disconnect();
  }

  private retryLater(): void {
    if (this.timer !== null) return;
    const waitMs = 1000 * (this.retrySeconds[this.failedTries] ?? Math.max(...this.retrySeconds));
    this.failedTries++;
    this.onLost(Date.now() + waitMs);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.socket.connect();
    }, waitMs);
  }

  private clearTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
