/**
 * Keeps the raw samples of the steps around spikes:
 *
 *   committed post ▶ ring ───────────────┐ taken when a spike is found: the 5 steps before
 *                  └▶ open window: the 5 steps after ▶ written in the background ▶ `sample_frame`
 *   late samples ▶ spike that is there ▶ written before the reply; else the ring, as above
 *
 * Ring and windows are memory alone: a worker that is killed loses the samples before a
 * spike that is found after its restart, and nothing else. Nothing here holds up a post.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Frame, PostedSamples, SampleFrame } from '../../../lib/contract/frame';
import { LATE_SAMPLE_STEPS } from '../../../lib/contract/posted-samples';
import type { WatchedSpike } from '../detect/attempt-detection';
import type { SamplesToStore } from '../../../lib/store/sample-frames';
import type { StoreLogger } from '../../../lib/store/store-logger';
import { type SampleKey, type SampleRange, SampleRing, copyOf, sizeOf } from './sample-ring';

export interface SampleKeeperOptions {
  readonly logger: StoreLogger;
  /** Stores a post's samples; false when the run is gone. */
  readonly save: (samples: SamplesToStore) => Promise<boolean>;
  readonly maxBytes?: number;
  readonly retryDelayMs?: number;
}

export interface SampleKeeperStatus {
  readonly heldBytes: number;
  /** Posts whose samples were stored. */
  readonly kept: number;
  /** Posts that left the ring before their time, or could not be stored. */
  readonly dropped: number;
}

export interface SampledPost {
  readonly runKey: string;
  readonly attempt: number;
  readonly layerOffset: number;
  readonly frame: Frame;
}

/** Whose steps are kept: outlier batches are frequent, and the batch is at fault, not training. */
export const KEPT_KINDS: ReadonlySet<string> = new Set(['loss_spike', 'divergence', 'rms_spike']);
export const STEPS_AROUND = 5;
/**
 * A spike is confirmed within 5 steps of its first outlier, and its onset lies some steps
 * before that where the loss climbs; steps older than this are let go once they were watched.
 */
const RING_STEPS = 24;
/** 20 steps of 1,000 layers at 1,024 coordinates in F32; of all runs together. */
const MAX_BYTES = 256 * 1024 * 1024;
/**
 * A window whose last step is this far behind will see no late shard any more, and its spike
 * is in the database, where samples that come yet later find it.
 */
const WINDOW_STEPS = 1024;
const SAVE_TRIES = 4;
const RETRY_DELAY_MS = 500;

export class SampleKeeper {
  readonly #options: SampleKeeperOptions;
  readonly #maxBytes: number;
  readonly #ring = new SampleRing();
  /** By the spike's run and id. */
  readonly #windows = new Map<string, SampleRange>();
  #pendingBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #kept = 0;
  #dropped = 0;

  constructor(options: SampleKeeperOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
  }

  /** A post that was committed, now or earlier; before the detectors look at it. */
  offer(posted: SampledPost): void {
    this.#take(posted, RING_STEPS);
  }

  /** The same of samples that came after their step: held for longer, a spike may be near them yet. */
  offerLate(posted: SampledPost): void {
    this.#take(posted, LATE_SAMPLE_STEPS);
  }

  #take(posted: SampledPost, ringSteps: number): void {
    const post = toStored(posted);
    if (post === null) return;
    if (this.awaits(post)) this.#write(copyOf(post));
    else this.#ring.offer(post, post.step + ringSteps, this.#maxBytes - this.#pendingBytes);
  }

  /** Whether the step lies around a spike that was found since this worker started. */
  awaits(post: SampleKey): boolean {
    return Array.from(this.#windows.values()).some((window) => isWithin(window, post));
  }

  /** Whether it has this post's samples in memory already. */
  holds(post: SampleKey): boolean {
    return this.#ring.has(post);
  }

  /** Stores samples around a spike that is there, before a reply. Throws what the store throws. */
  async saveNow(posted: SampledPost): Promise<boolean> {
    const post = toStored(posted);
    if (post === null || !(await this.#options.save(post))) return false;
    this.#kept++;
    return true;
  }

  /** The detectors of an attempt have looked at a step, and told of these spikes. */
  watched(runKey: string, attempt: number, step: number, spikes: readonly WatchedSpike[]): void {
    for (const spike of spikes) this.#open(runKey, attempt, spike);
    this.#ring.trim(runKey, attempt, step);
    for (const [key, window] of this.#windows) {
      const isOurs = window.runKey === runKey && window.attempts.includes(attempt);
      if (isOurs && window.toStep < step - WINDOW_STEPS) this.#windows.delete(key);
    }
  }

  #open(runKey: string, attempt: number, spike: WatchedSpike): void {
    const key = `${runKey}/${spike.id}`;
    // A spike is told of again while it goes on; a re-dated one has another window.
    const known = this.#windows.get(key);
    const fromStep = spike.onsetStep - STEPS_AROUND;
    if (!KEPT_KINDS.has(spike.kind) || known?.fromStep === fromStep) return;
    // It may have begun in the attempt before.
    const attempts = [...new Set([spike.attempt, attempt])];
    const window = { runKey, attempts, fromStep, toStep: spike.onsetStep + STEPS_AROUND };
    this.#windows.set(key, window);
    for (const samples of this.#ring.take(window)) this.#write(samples);
  }

  /** The run has ended well: no more spikes are found of which these are the steps before. */
  letGo(runKey: string): void {
    this.#ring.forget(runKey);
  }

  /** Lets go of what runs hold that posted no samples since this was called last. */
  releaseQuiet(): void {
    this.#ring.releaseQuiet();
  }

  /** The run is being deleted. */
  forget(runKey: string): void {
    this.#ring.forget(runKey);
    for (const [key, window] of this.#windows)
      if (window.runKey === runKey) this.#windows.delete(key);
  }

  /** Resolves once nothing waits to be written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  status(): SampleKeeperStatus {
    return {
      heldBytes: this.#ring.sizeBytes + this.#pendingBytes,
      kept: this.#kept,
      dropped: this.#dropped + this.#ring.evictedCount,
    };
  }

  /** One after the other: a spike of a large run is a hundred megabytes. */
  #write(samples: SamplesToStore): void {
    const sizeBytes = sizeOf(samples);
    if (this.#pendingBytes + sizeBytes > this.#maxBytes) {
      this.#drop(samples, 'too many samples wait to be written');
      return;
    }
    this.#pendingBytes += sizeBytes;
    // Steps of a spike that is there go before those of spikes that may come.
    this.#ring.shrink(this.#maxBytes - this.#pendingBytes);
    this.#writing = this.#writing
      .then(() => this.#save(samples))
      .finally(() => {
        this.#pendingBytes -= sizeBytes;
      });
  }

  /** Never rejects: what cannot be stored is counted. */
  async #save(samples: SamplesToStore): Promise<void> {
    const { save, retryDelayMs = RETRY_DELAY_MS } = this.#options;
    for (let tries = 1; ; tries++) {
      try {
        // A run that is gone needs no samples.
        if (await save(samples)) this.#kept++;
        return;
      } catch (error) {
        if (tries < SAVE_TRIES) {
          await delay(retryDelayMs * 2 ** (tries - 1));
          continue;
        }
        this.#drop(samples, error instanceof Error ? error.message : String(error));
        return;
      }
    }
  }

  #drop({ runKey, attempt, step }: SamplesToStore, reason: string): void {
    this.#dropped++;
    this.#options.logger.warn({ runKey, attempt, step, reason }, 'samples near a spike are lost');
  }
}

function isWithin(
  { runKey, attempts, fromStep, toStep }: SampleRange,
  { runKey: ofRun, attempt, step }: SampleKey,
): boolean {
  return runKey === ofRun && attempts.includes(attempt) && step >= fromStep && step <= toStep;
}

function toStored({ runKey, attempt, layerOffset, frame }: SampledPost): SamplesToStore | null {
  const { samples, step, layerCount } = frame;
  if (samples === null) return null;
  const { sampleCount } = samples;
  const place = { runKey, attempt, step, layerOffset, layerCount };
  return { ...place, sampleCount, ...postedOf(samples) };
}

/** As they came; where nobody says how, as F32. */
function postedOf(samples: SampleFrame): NonNullable<SampleFrame['posted']> {
  if (samples.posted !== undefined) return samples.posted;
  const { gradient, firstMoment, secondMoment } = samples;
  return {
    gradient: asFloat32(gradient),
    firstMoment: asFloat32(firstMoment),
    secondMoment: asFloat32(secondMoment),
  };
}

function asFloat32({ buffer, byteOffset, byteLength }: Float32Array): PostedSamples {
  return { type: 'F32', bytes: new Uint8Array(buffer, byteOffset, byteLength) };
}
