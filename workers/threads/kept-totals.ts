/** What threads say of their work one after the other, in sum: a counter must not fall when one dies. */
export class KeptTotals<Progress> {
  #earlier: Progress;
  #newest: Progress;

  /** `add` takes what is no total from the second. */
  constructor(
    private readonly none: Progress,
    private readonly add: (before: Progress, now: Progress) => Progress,
  ) {
    this.#earlier = none;
    this.#newest = none;
  }

  /** What the thread that runs has said last. */
  get newest(): Progress {
    return this.#newest;
  }

  get sum(): Progress {
    return this.add(this.#earlier, this.#newest);
  }

  take(progress: Progress): void {
    this.#newest = progress;
  }

  /** The thread has died; the next one begins at nothing. */
  died(): void {
    this.#earlier = this.sum;
    this.#newest = this.none;
  }
}

/** Sums by name. */
export function addCounts<Name extends string>(
  names: readonly Name[],
  before: Record<Name, number>,
  now: Record<Name, number>,
): Record<Name, number> {
  const sums = { ...now };
  for (const name of names) sums[name] = before[name] + now[name];
  return sums;
}
