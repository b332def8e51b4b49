/**
 * The hot path. Requests of all runs queue here; whatever waits when the writer connection
 * is free goes into one transaction (group commit), so that under load many frames share
 * one flush to disk and a lone frame waits for nobody. A call resolves after the COMMIT
 * that decided its last frame.
 *
 * A batch that fails for a passing reason is tried again; one that fails for another is
 * taken apart, so that a single bad frame fails alone. When the database cannot be
 * reached or cannot write, all that waits is refused with `unavailable`: the training jobs
 * still have it and post it again, which is safe, since a frame is stored once. So is all
 * that comes until a trial write has gone through.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../contract/app-error';
import { PayloadMemory, storeBatch, TRIAL_WRITE_SQL } from './frame-batch';
import {
  byteLengthOf,
  StaleNamesError,
  toBatchEntry,
  type BatchEntry,
  type FrameOutcome,
  type FrameToStore,
} from './frame-entry';
import { MetricRegistry } from './metric-registry';
import { describeOutage, isOutage, unavailable } from '../postgres/outage';
import type { StoreLogger } from '../store-logger';
import { isTransient, WriterConnection } from './writer-connection';

export type { FrameOutcome, FrameToStore } from './frame-entry';

export interface FrameWriterOptions {
  readonly url: string;
  readonly logger: StoreLogger;
  /** Beyond this the writer answers `writer_saturated`. */
  readonly maxQueuedBytes: number;
  /** Waited for between two batches, with what the last one took; not while closing. */
  readonly rest?: (batchMs: number) => Promise<void>;
}

export interface FrameWriterStatus {
  /** Why nothing can be written now, in words; null where it can. */
  readonly outage: string | null;
  /** Waiting and being written. */
  readonly queuedFrames: number;
  readonly queuedBytes: number;
  /** How long the oldest of them has waited; 0 when there is none. */
  readonly oldestQueuedMs: number;
  /** Totals since the start. */
  readonly committedFrames: number;
  readonly committedBatches: number;
  /** Time that committed batches took, and that was rested between two. */
  readonly commitMs: number;
  readonly restMs: number;
  readonly retriedBatches: number;
  readonly refusedWrites: number;
}

export interface FrameWriter {
  /**
   * Outcomes in the order of `frames`, after they are committed.
   *
   * Throws  AppError `writer_saturated` (429) or `unavailable` (503), both with
   *         `retryAfterSeconds`; then none of the call's frames is known to be stored
   */
  write(frames: readonly FrameToStore[]): Promise<FrameOutcome[]>;
  /** Throws what `write` would now, so that nothing is computed in vain. */
  checkOpen(): void;
  status(): FrameWriterStatus;
  /** Writes what waits, then closes the connection. Later writes are refused. */
  close(): Promise<void>;
}

/** 64 frames of 1,000 layers × 16 metrics are 4 MB; the gain of larger batches is below 2 % there. */
const MAX_BATCH_BYTES = 8 * 1024 * 1024;
const MAX_BATCH_FRAMES = 512;
/** Attempts at a batch that fails for a passing reason; with the delays below about a second. */
const MAX_TRIES = 4;
const FIRST_RETRY_DELAY_MS = 50;
const RETRY_AFTER_SECONDS = 1;

interface Pending {
  readonly entry: BatchEntry;
  readonly byteLength: number;
  readonly queuedAt: number;
  readonly settle: (outcome: FrameOutcome) => void;
  readonly refuse: (error: AppError) => void;
}

function groupByRun(batch: readonly Pending[]): ReadonlyMap<string, readonly Pending[]> {
  const groups = new Map<string, Pending[]>();
  for (const pending of batch) {
    const group = groups.get(pending.entry.runKey);
    if (group === undefined) groups.set(pending.entry.runKey, [pending]);
    else group.push(pending);
  }
  return groups;
}

export function createFrameWriter(options: FrameWriterOptions): FrameWriter {
  return new GroupCommitWriter(options);
}

class GroupCommitWriter implements FrameWriter {
  readonly #connection: WriterConnection;
  readonly #registry = new MetricRegistry();
  readonly #memory = new PayloadMemory();
  readonly #logger: StoreLogger;
  readonly #maxQueuedBytes: number;
  readonly #rest: NonNullable<FrameWriterOptions['rest']>;
  #queue: Pending[] = [];
  #inFlight: readonly Pending[] = [];
  #queuedBytes = 0;
  #draining: Promise<void> | null = null;
  #isClosed = false;
  #committedFrames = 0;
  #committedBatches = 0;
  #commitMs = 0;
  #restMs = 0;
  #retriedBatches = 0;
  #refusedWrites = 0;

  constructor({ url, logger, maxQueuedBytes, rest }: FrameWriterOptions) {
    this.#connection = new WriterConnection(url, logger, 'spikescope writer', TRIAL_WRITE_SQL);
    this.#logger = logger;
    this.#maxQueuedBytes = maxQueuedBytes;
    this.#rest = rest ?? (() => Promise.resolve());
  }

  async write(frames: readonly FrameToStore[]): Promise<FrameOutcome[]> {
    this.checkOpen();
    const byteLengths = frames.map(byteLengthOf);
    const total = byteLengths.reduce((sum, bytes) => sum + bytes, 0);
    // An empty queue takes any request: one that is larger than the limit must pass too.
    if (this.#queuedBytes > 0 && this.#queuedBytes + total > this.#maxQueuedBytes) {
      throw this.#refuse(
        new AppError('writer_saturated', 'more frames wait to be written than the limit allows', {
          retryAfterSeconds: RETRY_AFTER_SECONDS,
        }),
      );
    }
    const queuedAt = performance.now();
    const outcomes = frames.map(
      (frame, index) =>
        new Promise<FrameOutcome>((settle, refuse) => {
          const byteLength = byteLengths[index] ?? 0;
          this.#queue.push({ entry: toBatchEntry(frame), byteLength, queuedAt, settle, refuse });
          this.#queuedBytes += byteLength;
        }),
    );
    this.#draining ??= this.#drain();
    return Promise.all(outcomes);
  }

  checkOpen(): void {
    if (this.#isClosed) throw this.#refuse(unavailable('the writer is shutting down'));
    const { outage } = this.#connection;
    if (outage !== null) throw this.#refuse(unavailable(outage));
  }

  status(): FrameWriterStatus {
    const oldest = this.#inFlight[0] ?? this.#queue[0];
    return {
      outage: this.#connection.outage,
      queuedFrames: this.#queue.length + this.#inFlight.length,
      queuedBytes: this.#queuedBytes,
      oldestQueuedMs: oldest === undefined ? 0 : performance.now() - oldest.queuedAt,
      committedFrames: this.#committedFrames,
      committedBatches: this.#committedBatches,
      commitMs: this.#commitMs,
      restMs: this.#restMs,
      retriedBatches: this.#retriedBatches,
      refusedWrites: this.#refusedWrites,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#draining;
    await this.#connection.close();
  }

  #refuse(error: AppError): AppError {
    this.#refusedWrites++;
    return error;
  }

  async #drain(): Promise<void> {
    // Calls of the same turn of the event loop share the first batch.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const startedAt = performance.now();
      const batch = this.#takeBatch();
      this.#inFlight = batch;
      try {
        await this.#storeApart(batch);
      } catch (error) {
        this.#refuseAll(batch, error);
      }
      this.#inFlight = [];
      for (const { byteLength } of batch) this.#queuedBytes -= byteLength;
      if (this.#queue.length > 0 && !this.#isClosed) {
        const endedAt = performance.now();
        await this.#rest(endedAt - startedAt);
        this.#restMs += performance.now() - endedAt;
      }
    }
    // In the same turn as the look at the queue: a write between the two would wait for ever.
    this.#draining = null;
  }

  #takeBatch(): readonly Pending[] {
    let bytes = 0;
    let count = 0;
    for (const { byteLength } of this.#queue) {
      if (count > 0 && (bytes + byteLength > MAX_BATCH_BYTES || count >= MAX_BATCH_FRAMES)) break;
      bytes += byteLength;
      count++;
    }
    const batch = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    return batch;
  }

  /** The database is gone or full: nothing that waits will be written soon. */
  #refuseAll(batch: readonly Pending[], error: unknown): void {
    const words = describeOutage(error);
    const frames = batch.length + this.#queue.length;
    this.#logger.error({ error, frames }, `frames refused: ${words}`);
    this.#connection.breakDown(error);
    const waiting = this.#queue;
    this.#queue = [];
    for (const { byteLength } of waiting) this.#queuedBytes -= byteLength;
    const refusal = unavailable(words, error);
    for (const { refuse } of [...batch, ...waiting]) {
      this.#refusedWrites++;
      refuse(refusal);
    }
  }

  /** Stores a batch; one that cannot be stored whole is stored frame by frame. */
  async #storeApart(batch: readonly Pending[], maxTries = MAX_TRIES): Promise<void> {
    try {
      await this.#storeWithRetries(batch, maxTries);
    } catch (error) {
      if (isOutage(error)) throw error;
      if (batch.length > 1) {
        this.#logger.warn({ error, frames: batch.length }, 'a batch failed; storing frames singly');
        for (const pending of batch) await this.#storeApart([pending], 1);
        return;
      }
      this.#logger.error({ error, frame: batch[0]?.entry.key }, 'a frame cannot be stored');
      const fault = new AppError('internal', 'this frame could not be stored', { cause: error });
      for (const { settle } of batch) settle(fault);
    }
  }

  async #storeWithRetries(batch: readonly Pending[], maxTries: number): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#storeOnce(batch);
        return;
      } catch (error) {
        const isPassing = error instanceof StaleNamesError || isTransient(error);
        if (!isPassing || tries >= maxTries) throw error;
        this.#retriedBatches++;
        if (error instanceof StaleNamesError) continue;
        this.#logger.warn({ error, tries }, 'a batch failed; trying again');
        await this.#connection.discard();
        await delay(FIRST_RETRY_DELAY_MS * 2 ** (tries - 1));
      }
    }
  }

  async #storeOnce(batch: readonly Pending[]): Promise<void> {
    const startedAt = performance.now();
    const client = await this.#connection.client();
    const faults = new Map<Pending, AppError>();
    const byRun = groupByRun(batch);
    for (const [runKey, ofRun] of byRun) {
      const frames = ofRun.map(({ entry }) => entry.frame);
      const results = await this.#ensureNames(client, runKey, frames);
      ofRun.forEach((pending, index) => {
        const fault = results[index];
        if (fault !== null && fault !== undefined) faults.set(pending, fault);
      });
    }
    const sound = batch.filter((pending) => !faults.has(pending));
    const outcomes =
      sound.length === 0
        ? []
        : await storeBatch(
            client,
            sound.map(({ entry }) => entry),
            this.#registry,
            this.#memory,
          );
    for (const [pending, fault] of faults) pending.settle(fault);
    sound.forEach((pending, index) => {
      const outcome = outcomes[index];
      if (outcome !== undefined) pending.settle(outcome);
    });
    this.#committedBatches++;
    this.#committedFrames += outcomes.filter((outcome) => outcome === 'stored').length;
    this.#commitMs += performance.now() - startedAt;
  }

  /** A deleted run is the fault of its frames alone. */
  async #ensureNames(
    client: Parameters<MetricRegistry['ensure']>[0],
    runKey: string,
    frames: Parameters<MetricRegistry['ensure']>[2],
  ): Promise<(AppError | null)[]> {
    try {
      return await this.#registry.ensure(client, runKey, frames);
    } catch (error) {
      if (error instanceof AppError) return frames.map(() => error);
      throw error;
    }
  }
}
