/**
 * What the loop of a thread waits in between two pieces of work. Messages are heard while it
 * sleeps, so one that came before must not be slept through: the loop looks for work and
 * falls asleep in one turn of the event loop, and once closed it sleeps no more.
 */
export class Pauses {
  #isClosed = false;
  #wake = (): void => undefined;

  constructor(private readonly clock: () => number) {}

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** There may be work: ends the sleep under way. */
  wake(): void {
    this.#wake();
  }

  /** Ends the pause under way, and from now on each at its beginning. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** Until it is woken, or `limitMs` have passed; Infinity for no limit. */
  sleep(limitMs: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = limitMs < Infinity ? setTimeout(resolve, limitMs) : undefined;
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** `ms` by the clock, whatever wakes it. */
  async rest(ms: number): Promise<void> {
    const endMs = this.clock() + ms;
    while (!this.#isClosed && this.clock() < endMs) await this.sleep(endMs - this.clock());
  }
}
