/** What was posted, and what of it the product has promised to keep. */

export interface Posted {
  readonly run: string;
  readonly attempt: number;
  readonly step: number;
  readonly layerOffset: number;
  readonly layerCount: number;
}

export interface RunFacts {
  readonly id: string;
  readonly layerCount: number;
  /** By attempt, from 1; where each resumes. */
  readonly resumeSteps: number[];
}

export function keyOf({ run, attempt, step, layerOffset }: Omit<Posted, 'layerCount'>): string {
  return `${run}/${attempt}/${step}/${layerOffset}`;
}

export class Ledger {
  readonly runs = new Map<string, RunFacts>();
  /** Everything that was ever sent. */
  readonly sent = new Map<string, Posted>();
  readonly #acknowledged = new Set<string>();

  send(posts: readonly Posted[]): void {
    for (const post of posts) this.sent.set(keyOf(post), post);
  }

  acknowledge(posts: readonly Posted[]): void {
    for (const post of posts) this.#acknowledged.add(keyOf(post));
  }

  isAcknowledged(key: string): boolean {
    return this.#acknowledged.has(key);
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.size;
  }
}
