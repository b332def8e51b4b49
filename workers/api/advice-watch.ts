/**
 * Training loops that wait for other advice than they have:
 *
 *   wait ─▶ one look a second and run, however many wait ─▶ those whose version differs are answered
 *
 * A look asks the ingestion worker how far its detectors are, which writes what they found,
 * and reads the run's advice.
 */
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../lib/contract/app-error';
import type { AdviceReply } from '../../lib/contract/advice';

/** How often a run is looked at while somebody waits for it. */
const LOOK_EVERY_MS = 1000;
/** A connection each; beyond it a loop asks again later. */
const MAX_WAITERS = 256;
const RETRY_AFTER_SECONDS = 5;

interface Waiter {
  readonly after: string;
  readonly answer: (reply: AdviceReply) => void;
  readonly fail: (error: unknown) => void;
}

interface WatchedRun {
  readonly waiters: Set<Waiter>;
  newest: AdviceReply | null;
}

export interface AdviceWait {
  readonly runId: string;
  readonly after: string;
  readonly waitSeconds: number;
  /** Whoever asked has gone. */
  readonly signal: AbortSignal;
}

export class AdviceWatch {
  readonly #runs = new Map<string, WatchedRun>();
  #waiterCount = 0;
  readonly #closing = new AbortController();

  constructor(private readonly read: (runId: string) => Promise<AdviceReply>) {}

  /** How many wait. */
  get waiting(): number {
    return this.#waiterCount;
  }

  /** As of now. Throws what the read throws. */
  readNow(runId: string): Promise<AdviceReply> {
    return this.read(runId);
  }

  /**
   * Resolves once the advice is not that of `after`, else with the newest when time is up,
   * whoever asked is gone, or the server stops. Throws AppError `too_many_waiters`, and what
   * the read throws.
   */
  async wait({ runId, after, waitSeconds, signal }: AdviceWait): Promise<AdviceReply> {
    if (this.#closing.signal.aborted) return this.read(runId);
    if (this.#waiterCount >= MAX_WAITERS) {
      throw new AppError(
        'too_many_waiters',
        `${MAX_WAITERS} requests wait for advice already; ask without waitSeconds, or later`,
        { retryAfterSeconds: RETRY_AFTER_SECONDS },
      );
    }
    const run = this.#watch(runId);
    const end = AbortSignal.any([
      signal,
      this.#closing.signal,
      AbortSignal.timeout(waitSeconds * 1000),
    ]);
    return (await this.#join(run, after, end)) ?? run.newest ?? this.#readLast(runId);
  }

  /** Answers everybody who waits with what is known; resolves once that has been sent. */
  async close(): Promise<void> {
    this.#closing.abort();
    while (this.#waiterCount > 0) await immediate();
    // What was answered last is written in this turn.
    await immediate();
  }

  /** null when `end` came first. */
  async #join(run: WatchedRun, after: string, end: AbortSignal): Promise<AdviceReply | null> {
    let waiter: Waiter | undefined;
    let stop: () => void = () => undefined;
    this.#waiterCount++;
    try {
      return await new Promise<AdviceReply | null>((resolve, reject) => {
        waiter = { after, answer: resolve, fail: reject };
        run.waiters.add(waiter);
        stop = () => {
          resolve(null);
        };
        end.addEventListener('abort', stop, { once: true });
        if (end.aborted) stop();
      });
    } finally {
      end.removeEventListener('abort', stop);
      if (waiter !== undefined) run.waiters.delete(waiter);
      this.#waiterCount--;
    }
  }

  /** Time was up before the first look was through. */
  #readLast(runId: string): Promise<AdviceReply> {
    if (!this.#closing.signal.aborted) return this.read(runId);
    throw new AppError('unavailable', 'the server is stopping', {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }

  #watch(runId: string): WatchedRun {
    const known = this.#runs.get(runId);
    if (known !== undefined) return known;
    const run: WatchedRun = { waiters: new Set(), newest: null };
    this.#runs.set(runId, run);
    void this.#look(runId, run);
    return run;
  }

  /** Until nobody has waited for a whole turn. */
  async #look(runId: string, run: WatchedRun): Promise<void> {
    // The first waiter joins in the turn in which it began to watch.
    do {
      try {
        const newest = await this.read(runId);
        run.newest = newest;
        for (const { after, answer } of run.waiters) if (after !== newest.version) answer(newest);
      } catch (error) {
        run.newest = null;
        // Those who wait pass it on; nobody else asked.
        for (const { fail } of run.waiters) fail(error);
      }
      await sleep(LOOK_EVERY_MS, undefined, { ref: false });
    } while (run.waiters.size > 0 && !this.#closing.signal.aborted);
    this.#runs.delete(runId);
  }
}
