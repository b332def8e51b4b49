/**
 * One run as its training job sees it: log() queues and returns, a loop in the background
 * opens the run, sends what waits in batches and tries again until it is acknowledged.
 *
 *   log ─▶ FrameQueue ─▶ deliver ─▶ POST frames ─▶ settle
 *
 * One request is under way at a time, so that steps arrive in order; what is logged
 * meanwhile goes with the next, which is how several steps come to share a request.
 * Nothing here throws into the caller, and nothing is dropped without being counted.
 */
import { encodeFrames } from '../../lib/contract/encode-frames';
import { SAFETENSORS_MEDIA_TYPE } from '../../lib/contract/heatmap-columns';
import {
  type CreateEvent,
  type CreateRun,
  type FinishStatus,
  createRunReplySchema,
  framesReplySchema,
} from '../../lib/contract/runs';
import { backoffMs } from './backoff';
import { type Batch, FrameQueue, type QueueItem } from './frame-queue';
import { type ClientLogger, Notices } from './notices';
import { RequestRepeater } from './request-repeater';
import { type Connection, type RequestBody, describeFailure, sendRequest } from './send-request';
import { type FrameInput, sizeOfFrame, toFrame } from './to-frame';
import { Waiters } from './waiters';

export interface RunCounts {
  /** Steps given to log(). */
  readonly logged: number;
  /** Steps that the server stored, had already, or refused one by one. */
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
  /** Steps and events that never arrived: the queue was full, or the server refused them. */
  readonly dropped: number;
  /** Steps and events that still wait. */
  readonly queued: number;
  /** Requests that had to be repeated. */
  readonly retries: number;
}

export interface RunSettings {
  readonly create: CreateRun & { readonly id: string };
  /** Layers in one frame: all of the run's, or the shard's. */
  readonly layerCount: number;
  readonly layerOffset: number | null;
  /** The attempt that frames belong to; null: the one that opening the run answers. */
  readonly attempt: number | null;
}

export interface RunDependencies {
  readonly connection: Connection;
  readonly logger: ClientLogger;
  readonly random: () => number;
  readonly maxQueueBytes: number;
}

/** A request of this size decodes in a few milliseconds and is far below the contract's 32 MiB. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Enough to catch up quickly, few enough that one reply comes soon. */
const MAX_BATCH_FRAMES = 64;
/** Kept back from finish()'s deadline for the finish itself. */
const FINISH_RESERVE_MS = 1500;

export class RunHandle {
  readonly id: string;
  private readonly queue: FrameQueue;
  private readonly waiters = new Waiters();
  private readonly notices: Notices;
  private readonly repeater: RequestRepeater;
  private state: 'opening' | 'open' | 'closed' = 'opening';
  private opened: { attempt: number; nextStep: number; url: string } | null = null;
  private isFinishing = false;
  private maxBatchFrames = MAX_BATCH_FRAMES;
  private readonly totals = { logged: 0, accepted: 0, duplicates: 0, rejected: 0, dropped: 0 };
  private finishRetryCount = 0;

  constructor(
    private readonly settings: RunSettings,
    private readonly dependencies: RunDependencies,
  ) {
    this.id = settings.create.id;
    this.queue = new FrameQueue(dependencies.maxQueueBytes);
    this.notices = new Notices(dependencies.logger);
    this.repeater = new RequestRepeater({
      connection: dependencies.connection,
      waiters: this.waiters,
      notices: this.notices,
      random: dependencies.random,
      isRunning: () => this.isRunning(),
    });
    void this.runLoop();
  }

  /** null until the run is open. */
  get attempt(): number | null {
    return this.settings.attempt ?? this.opened?.attempt ?? null;
  }

  /** The page to watch; null until the run is open. */
  get url(): string | null {
    return this.opened?.url ?? null;
  }

  /** The first step that the server has not yet; null until the run is open. */
  get nextStep(): number | null {
    return this.opened?.nextStep ?? null;
  }

  get counts(): RunCounts {
    const retries = this.repeater.retryCount + this.finishRetryCount;
    return { ...this.totals, queued: this.queue.length, retries };
  }

  /** Queues one step; copies what it is given, returns at once, never throws. */
  log(input: FrameInput): void {
    this.totals.logged += 1;
    try {
      const frame = toFrame(input, this.settings.layerCount, this.dependencies.connection.now());
      this.enqueue({ kind: 'frame', frame, sizeBytes: sizeOfFrame(frame) });
    } catch (error) {
      this.drop(1, 'a step that the contract does not allow', String(error));
    }
  }

  /** Queues an event behind the steps logged so far; returns at once, never throws. */
  event(event: CreateEvent): void {
    this.enqueue({
      kind: 'event',
      event,
      // The text twice over is a bound on what a short object weighs.
      sizeBytes: 256 + 2 * (event.title.length + (event.detail?.length ?? 0)),
    });
  }

  /** True once the run is open; false when it never will be, or after `timeoutMs`. */
  async whenOpen(timeoutMs: number | null = null): Promise<boolean> {
    await this.waiters.until(() => this.state !== 'opening', timeoutMs);
    return this.opened !== null;
  }

  /** Resolves when the queue is at most half full: for a producer faster than the network. */
  async whenRoom(): Promise<void> {
    const half = this.dependencies.maxQueueBytes / 2;
    await this.waiters.until(() => this.state === 'closed' || this.queue.sizeBytes <= half, null);
  }

  /** True once the run is open and all that was queued is settled; false after `deadlineMs`. */
  async flush(deadlineMs = 10_000): Promise<boolean> {
    this.waiters.wake();
    return this.waiters.until(
      () => this.queue.length === 0 && this.state !== 'opening',
      deadlineMs,
    );
  }

  /**
   * Flushes, then ends the run, within `deadlineMs`. True when the server has been told;
   * what could not be sent by then counts as dropped. Never throws.
   */
  async finish(status: FinishStatus, deadlineMs = 15_000): Promise<boolean> {
    if (this.isFinishing || this.state === 'closed') return false;
    this.isFinishing = true;
    const endMs = this.dependencies.connection.now() + deadlineMs;
    await this.flush(Math.max(0, deadlineMs - FINISH_RESERVE_MS));
    const isOpen = this.opened !== null;
    this.close('the run was finished before they could be sent');
    return isOpen && (await this.sendFinish(status, endMs));
  }

  private async sendFinish(status: FinishStatus, endMs: number): Promise<boolean> {
    const { connection, random } = this.dependencies;
    const body = json({ status });
    for (let failures = 1; ; failures++) {
      const leftMs = Math.max(250, endMs - connection.now());
      const outcome = await sendRequest(connection, 'POST', this.path('/finish'), body, leftMs);
      if (outcome.kind === 'done') return true;
      const waitMs = backoffMs(failures, outcome.retryAfterMs, random());
      if (outcome.kind !== 'retry' || connection.now() + waitMs >= endMs) {
        this.notices.warn(
          'finish',
          `run ${this.id} could not be ended as ${status}: ${describeFailure(outcome)}`,
        );
        return false;
      }
      this.finishRetryCount += 1;
      // A sleep with somebody waiting: finish() was awaited, so the process stays for it.
      await this.waiters.until(() => false, waitMs);
    }
  }

  private path(suffix: string): string {
    return `/api/v1/runs/${encodeURIComponent(this.id)}${suffix}`;
  }

  private enqueue(item: QueueItem): void {
    if (this.state === 'closed' || this.isFinishing) {
      this.drop(1, 'a step or event after the end', `run ${this.id} takes nothing any more`);
      return;
    }
    const dropped = this.queue.push(item);
    if (dropped.length > 0) {
      const mebibytes = Math.round(this.dependencies.maxQueueBytes / 2 ** 20);
      this.drop(dropped.length, 'full queue', `${mebibytes} MiB wait already; the oldest go first`);
    }
    this.waiters.notify();
  }

  private async runLoop(): Promise<void> {
    try {
      await this.open();
      while (this.isRunning()) {
        await this.waiters.until(() => this.queue.length > 0 || !this.isRunning(), null);
        if (!this.isRunning()) return;
        const batch = this.queue.hold({
          maxFrames: this.maxBatchFrames,
          maxBytes: MAX_BATCH_BYTES,
        });
        if (batch !== null) await this.deliver(batch);
        this.waiters.notify();
      }
    } catch (error) {
      // A bug of this client; the training job must not pay for it.
      this.close(`the client broke: ${String(error)}`);
    }
  }

  private isRunning(): boolean {
    return this.state !== 'closed';
  }

  private async open(): Promise<void> {
    const body = json(this.settings.create);
    const reply = await this.repeater.send('/api/v1/runs', body);
    if (reply === null) return;
    const parsed = reply.kind === 'done' ? createRunReplySchema.safeParse(reply.body) : null;
    if (parsed?.success !== true) {
      const why =
        reply.kind === 'done' ? 'the reply is not the contract’s' : describeFailure(reply);
      this.close(`run ${this.id} could not be opened: ${why}`);
      return;
    }
    const { attempt, nextStep, url } = parsed.data;
    this.opened = { attempt, nextStep, url };
    this.state = 'open';
    this.waiters.notify();
  }

  private async deliver(batch: Batch): Promise<void> {
    const outcome =
      batch.kind === 'event'
        ? await this.repeater.send(this.path('/events'), json(this.withAttempt(batch.event)))
        : await this.repeater.send(this.path('/frames'), this.encode(batch));
    if (outcome === null) return;
    if (outcome.kind === 'closed') {
      this.close(describeFailure(outcome));
    } else if (outcome.kind === 'too_large' && batch.itemCount > 1) {
      // Not settled: the next batch takes half as many.
      this.maxBatchFrames = Math.ceil(batch.itemCount / 2);
    } else {
      this.queue.settle();
      if (outcome.kind !== 'done') this.drop(batch.itemCount, outcome.code, outcome.message);
      else if (batch.kind === 'frames') this.count(outcome.body, batch.itemCount);
    }
  }

  private encode(batch: Extract<Batch, { kind: 'frames' }>): RequestBody {
    const { layerOffset } = this.settings;
    const attempt = this.attempt;
    return {
      contentType: SAFETENSORS_MEDIA_TYPE,
      bytes: encodeFrames(batch.frames, {
        ...(attempt === null ? {} : { attempt }),
        ...(layerOffset === null ? {} : { layerOffset }),
      }),
    };
  }

  private withAttempt(event: CreateEvent): CreateEvent {
    const attempt = event.attempt ?? this.attempt;
    return attempt === null ? event : { ...event, attempt };
  }

  private count(body: unknown, frameCount: number): void {
    const reply = framesReplySchema.safeParse(body);
    if (!reply.success) {
      this.totals.accepted += frameCount;
      this.notices.warn(
        'reply',
        'the reply to a post is not the contract’s; its steps count as stored',
      );
      return;
    }
    this.totals.accepted += reply.data.accepted;
    this.totals.duplicates += reply.data.duplicates;
    this.totals.rejected += reply.data.rejected.length;
    for (const { step, code, message } of reply.data.rejected) {
      this.notices.warn(`rejected ${code}`, `step ${step} was rejected (${code}): ${message}`);
    }
  }

  private close(reason: string): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    const left = this.queue.clear();
    if (left.length > 0) this.drop(left.length, 'end', reason);
    else if (!this.isFinishing) this.notices.warn('closed', reason);
    this.waiters.wake();
    this.waiters.notify();
  }

  private drop(itemCount: number, kind: string, reason: string): void {
    this.totals.dropped += itemCount;
    this.notices.warn(
      `dropped ${kind}`,
      `${this.totals.dropped} steps or events dropped so far (${kind}): ${reason}`,
    );
  }
}

function json(value: unknown): RequestBody {
  return { contentType: 'application/json', bytes: JSON.stringify(value) };
}
