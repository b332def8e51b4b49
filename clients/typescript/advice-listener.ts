/**
 * What the server advises the training loop to do, and how the loop hears of it:
 *
 *   acknowledgement with findings ─┐
 *   every ten seconds             ─┴▶ GET advice ─▶ newest ─▶ log() ─▶ callbacks, each item once
 *
 * Callbacks run within log(), where the job itself says that a step is over: between two
 * awaits of a step it may be half done. Nothing here throws into the caller.
 */
import { type AdviceItem, type AdviceReply, adviceReplySchema } from '../../lib/contract/advice';
import type { Notices } from './notices';
import { type Connection, describeFailure, sendRequest } from './send-request';

export type AdviceCallback = (item: AdviceItem) => void;

/** Findings ask at once. What comes without one, as from another rank's post, waits for this. */
const ASK_EVERY_MS = 10_000;
/** Of a job whose every acknowledgement carries findings. */
const ASK_AT_MOST_EVERY_MS = 500;
const REQUEST_TIMEOUT_MS = 10_000;

export interface AdviceListenerOptions {
  readonly connection: Connection;
  readonly notices: Notices;
  /** Where advice of the run is; null until it is open. */
  readonly path: () => string | null;
}

export class AdviceListener {
  newest: AdviceReply | null = null;
  private readonly callbacks: AdviceCallback[] = [];
  private readonly told = new Set<string>();
  private untold: AdviceItem[] = [];
  private timer: NodeJS.Timeout | null = null;
  private askedAtMs = -Infinity;
  private isAsking = false;
  private wakeCount = 0;
  private isStopped = false;

  constructor(private readonly options: AdviceListenerOptions) {
    this.schedule(0);
  }

  add(callback: AdviceCallback): void {
    this.callbacks.push(callback);
  }

  /** Something was found: asks soon. */
  wake(): void {
    this.wakeCount += 1;
    if (!this.isAsking) this.schedule(ASK_AT_MOST_EVERY_MS - (performance.now() - this.askedAtMs));
  }

  /** Calls the callbacks with what is new; one look where nothing is. */
  tell(): void {
    if (this.untold.length === 0) return;
    for (const item of this.untold.splice(0)) {
      for (const callback of this.callbacks) {
        try {
          callback(item);
        } catch (error) {
          const what = `${item.action} (${item.id})`;
          this.options.notices.warn('onAdvice', `onAdvice failed on ${what}: ${String(error)}`);
        }
      }
    }
  }

  stop(): void {
    this.isStopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private schedule(waitMs: number): void {
    if (this.isStopped) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(
      () => {
        void this.ask();
      },
      Math.max(0, waitMs),
    );
    // A job that ends must not wait for advice.
    this.timer.unref();
  }

  private async ask(): Promise<void> {
    const path = this.options.path();
    // Opened by somebody else, who does not tell.
    if (path === null) {
      this.schedule(ASK_AT_MOST_EVERY_MS);
      return;
    }
    this.isAsking = true;
    const { wakeCount } = this;
    this.askedAtMs = performance.now();
    const { connection, notices } = this.options;
    const outcome = await sendRequest(connection, 'GET', path, null, REQUEST_TIMEOUT_MS);
    this.isAsking = false;
    if (outcome.kind === 'done') {
      notices.ignored(outcome.ignored);
      this.take(outcome.body);
    } else if (outcome.code === 'not_found') {
      notices.warn('advice', 'this server gives no advice');
      this.stop();
    } else if (outcome.kind === 'denied' || outcome.kind === 'refused') {
      notices.warn(`advice ${outcome.code}`, `no advice: ${describeFailure(outcome)}`);
    }
    // What was found meanwhile may not be in this answer.
    this.schedule(this.wakeCount > wakeCount ? ASK_AT_MOST_EVERY_MS : ASK_EVERY_MS);
  }

  private take(body: unknown): void {
    const reply = adviceReplySchema.safeParse(body);
    if (!reply.success) {
      this.options.notices.warn('advice reply', 'advice: the reply is not the contract’s');
      return;
    }
    this.newest = reply.data;
    for (const item of reply.data.items) {
      if (this.told.has(item.id)) continue;
      this.told.add(item.id);
      this.untold.push(item);
    }
  }
}
