/**
 * Promises that resolve when a condition comes true, and a sleep that can be cut short.
 * The sleep keeps the process alive only while somebody waits for its outcome: a job that
 * ends without saying so must not hang because its server is away.
 */
interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: (isMet: boolean) => void;
  timer: NodeJS.Timeout | null;
}

export class Waiters {
  private readonly waiting = new Set<Waiter>();
  private sleeper: { timer: NodeJS.Timeout; resolve: () => void } | null = null;

  /** Resolves true once `isMet`, false after `timeoutMs`. */
  async until(isMet: () => boolean, timeoutMs: number | null): Promise<boolean> {
    if (isMet()) return true;
    return new Promise<boolean>((resolve) => {
      const waiter: Waiter = { isMet, resolve, timer: null };
      if (timeoutMs !== null) {
        waiter.timer = setTimeout(() => {
          this.waiting.delete(waiter);
          if (this.waiting.size === 0) this.sleeper?.timer.unref();
          resolve(isMet());
        }, timeoutMs);
      }
      this.waiting.add(waiter);
      this.sleeper?.timer.ref();
    });
  }

  /** Something changed: looks at every condition again. */
  notify(): void {
    for (const waiter of this.waiting) {
      if (!waiter.isMet()) continue;
      this.waiting.delete(waiter);
      if (waiter.timer !== null) clearTimeout(waiter.timer);
      waiter.resolve(true);
    }
  }

  async sleep(durationMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, durationMs);
      if (this.waiting.size === 0) timer.unref();
      this.sleeper = { timer, resolve };
    });
    if (this.sleeper !== null) clearTimeout(this.sleeper.timer);
    this.sleeper = null;
  }

  /** Ends a sleep that is under way. */
  wake(): void {
    this.sleeper?.resolve();
  }
}
