/**
 * The raw samples of the last posts of every attempt that posts some, in case that a spike
 * is found of which they are the steps before. In memory alone, and bounded over all runs:
 * where that is too small, the oldest leave before their time, counted.
 */
import type { SamplesToStore } from '../../../lib/store/sample-frames';

export interface SampleRange {
  readonly runKey: string;
  readonly attempts: readonly number[];
  readonly fromStep: number;
  readonly toStep: number;
}

/** One post among all. */
export type SampleKey = Pick<SamplesToStore, 'runKey' | 'attempt' | 'step' | 'layerOffset'>;

interface Held {
  readonly samples: SamplesToStore;
  /** Let go once the detectors have looked at a later step than this. */
  readonly untilStep: number;
  readonly sizeBytes: number;
}

export class SampleRing {
  /** In the order of arrival, the oldest first. */
  readonly #held = new Map<string, Held>();
  /** Runs that offered something since the last look at the quiet ones. */
  readonly #recentRuns = new Set<string>();
  #sizeBytes = 0;
  #evictedCount = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Posts that left before their time. */
  get evictedCount(): number {
    return this.#evictedCount;
  }

  /**
   * Takes a post in, and holds at most `maxBytes` with it. Copies: what is given are views
   * into the body of a request. A post that is held already stays.
   */
  offer(samples: SamplesToStore, untilStep: number, maxBytes: number): void {
    const key = keyOf(samples);
    this.#recentRuns.add(samples.runKey);
    if (this.#held.has(key)) return;
    const sizeBytes = sizeOf(samples);
    if (sizeBytes > maxBytes) {
      this.#evictedCount++;
      return;
    }
    this.shrink(maxBytes - sizeBytes);
    this.#held.set(key, { samples: copyOf(samples), untilStep, sizeBytes });
    this.#sizeBytes += sizeBytes;
  }

  /** Lets the oldest go until it holds no more than this. */
  shrink(maxBytes: number): void {
    for (const oldest of this.#held.keys()) {
      if (this.#sizeBytes <= maxBytes) return;
      this.#drop(oldest);
      this.#evictedCount++;
    }
  }

  /** Hands over what it holds of a range, ascending in steps; the ring holds it no longer. */
  take({ runKey, attempts, fromStep, toStep }: SampleRange): SamplesToStore[] {
    const taken: SamplesToStore[] = [];
    for (const [key, { samples }] of this.#held) {
      const isAsked =
        samples.runKey === runKey &&
        attempts.includes(samples.attempt) &&
        samples.step >= fromStep &&
        samples.step <= toStep;
      if (!isAsked) continue;
      taken.push(samples);
      this.#drop(key);
    }
    return taken.sort((a, b) => a.step - b.step || a.layerOffset - b.layerOffset);
  }

  has(samples: SampleKey): boolean {
    return this.#held.has(keyOf(samples));
  }

  /** Lets go of what no spike found from this step on can need. */
  trim(runKey: string, attempt: number, watchedStep: number): void {
    for (const [key, { samples, untilStep }] of this.#held) {
      if (samples.runKey !== runKey || samples.attempt !== attempt) continue;
      if (untilStep < watchedStep) this.#drop(key);
    }
  }

  /** Lets go of what runs hold that offered nothing since this was called last. */
  releaseQuiet(): void {
    for (const [key, { samples }] of this.#held) {
      if (!this.#recentRuns.has(samples.runKey)) this.#drop(key);
    }
    this.#recentRuns.clear();
  }

  /** The run is being deleted, or no spike will be found in it any more. */
  forget(runKey: string): void {
    for (const [key, { samples }] of this.#held) if (samples.runKey === runKey) this.#drop(key);
  }

  #drop(key: string): void {
    this.#sizeBytes -= this.#held.get(key)?.sizeBytes ?? 0;
    this.#held.delete(key);
  }
}

export function sizeOf({ gradient, firstMoment, secondMoment }: SamplesToStore): number {
  return gradient.bytes.byteLength + firstMoment.bytes.byteLength + secondMoment.bytes.byteLength;
}

/** The same with bytes of its own. */
export function copyOf(samples: SamplesToStore): SamplesToStore {
  const { gradient, firstMoment, secondMoment } = samples;
  return {
    ...samples,
    gradient: { type: gradient.type, bytes: gradient.bytes.slice() },
    firstMoment: { type: firstMoment.type, bytes: firstMoment.bytes.slice() },
    secondMoment: { type: secondMoment.type, bytes: secondMoment.bytes.slice() },
  };
}

function keyOf({ runKey, attempt, step, layerOffset }: SampleKey): string {
  return `${runKey}/${attempt}/${step}/${layerOffset}`;
}
