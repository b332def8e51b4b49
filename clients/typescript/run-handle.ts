/**
 * One run as its training job sees it: log() queues and returns, a loop in the background
 * opens the run, sends what waits in batches and tries again until it is acknowledged.
 *
 *   log ─▶ Backlog ─▶ Delivery ─▶ POST frames ─▶ settle
 *             └▶ disk, while the server is away
 *
 * One request is under way at a time, so that steps arrive in order; what is logged
 * meanwhile goes with the next, which is how several steps come to share a request.
 * Nothing here throws into the caller, and nothing is dropped without being counted.
 */
import type { AdviceReply } from '../../lib/contract/advice';
import type { CreateEvent, CreateRun, FinishStatus } from '../../lib/contract/runs';
import { type AdviceCallback, AdviceListener } from './advice-listener';
import { Backlog } from './backlog';
import { backoffMs } from './backoff';
import { Delivery, deliverLeftOver, jsonBody, runPath } from './delivery';
import { endWithProcess } from './exits';
import type { QueueItem } from './frame-queue';
import { KeptRun, findLeftOver } from './kept-run';
import { type ClientLogger, Notices } from './notices';
import { RequestRepeater } from './request-repeater';
import { type Connection, describeFailure, sendRequest } from './send-request';
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
  /** Steps and events that went to disk, from where they are delivered later. */
  readonly keptOnDisk: number;
  /** Steps whose samples an earlier job left and this one delivered, and those nobody took. */
  readonly samplesPosted: number;
  readonly samplesRefused: number;
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
  /** Whether the end of the process is the end of the run. */
  readonly endsWithProcess: boolean;
}

export type ClientMode = 'online' | 'offline' | 'disabled';

export interface RunDependencies {
  readonly connection: Connection;
  readonly logger: ClientLogger;
  readonly random: () => number;
  readonly maxQueueBytes: number;
  /** Where steps are kept while the server is away; null: in memory alone. */
  readonly directory: string | null;
  readonly maxSpoolBytes: number;
  /** offline: everything goes to disk; disabled: nothing happens at all. */
  readonly mode: ClientMode;
}

/** Kept back from finish()'s deadline for the finish itself. */
const FINISH_RESERVE_MS = 1500;

export class RunHandle {
  readonly id: string;
  private readonly kept: KeptRun | null;
  private readonly backlog: Backlog;
  private readonly waiters = new Waiters();
  private readonly notices: Notices;
  private readonly repeater: RequestRepeater;
  private readonly delivery: Delivery;
  private state: 'opening' | 'open' | 'closed' = 'opening';
  /** The run is there, and whether to go on with it waits for the first step. */
  private isUndecided = false;
  private hasResumed = false;
  private finishing: Promise<boolean> | null = null;
  private finishStatus: FinishStatus | null = null;
  private isLeaving = false;
  private readonly totals = {
    logged: 0,
    accepted: 0,
    duplicates: 0,
    rejected: 0,
    dropped: 0,
    samplesPosted: 0,
    samplesRefused: 0,
  };
  private finishRetryCount = 0;
  private forgetExit: () => void = () => undefined;
  private listener: AdviceListener | null = null;

  constructor(
    private readonly settings: RunSettings,
    private readonly dependencies: RunDependencies,
  ) {
    this.id = settings.create.id;
    const { connection, directory, maxSpoolBytes, mode } = dependencies;
    this.notices = new Notices(dependencies.logger);
    const keepsNothing = directory === null || mode === 'disabled';
    this.kept = keepsNothing
      ? null
      : KeptRun.create(directory, this.id, connection.now(), maxSpoolBytes);
    this.backlog = new Backlog({
      maxMemoryBytes: dependencies.maxQueueBytes,
      kept: this.kept,
      monotonic: () => performance.now(),
      describe: () => this.describe(),
      onDrop: (count, kind, reason) => this.drop(count, kind, reason),
      onDisk: (problem) => this.notices.warn('disk', problem),
    });
    this.repeater = new RequestRepeater({
      connection,
      waiters: this.waiters,
      notices: this.notices,
      random: dependencies.random,
      isRunning: () => this.isRunning(),
      // From the second failure in a row on: what waits shall outlive this process.
      onAway: () => this.backlog.spill(),
    });
    this.delivery = new Delivery({
      repeater: this.repeater,
      notices: this.notices,
      totals: this.totals,
      onDrop: (count, kind, reason) => this.drop(count, kind, reason),
      onFindings: () => this.listener?.wake(),
    });
    if (mode === 'disabled') {
      this.state = 'closed';
      return;
    }
    this.forgetExit = endWithProcess({
      end: (status, deadlineMs) => this.endWithProcess(status, deadlineMs),
      keep: (status) => this.keepAtExit(status),
      spill: () => void this.backlog.spill(),
    });
    if (mode === 'online') void this.runLoop();
    else if (this.kept === null) {
      this.close('mode offline needs a directory to keep steps in');
    } else {
      this.notices.info('offline', `run ${this.id} is kept in ${this.kept.folder}`);
      this.state = 'open';
    }
  }

  /** null until the run is open. */
  get attempt(): number | null {
    return this.settings.attempt ?? this.delivery.opened?.attempt ?? null;
  }

  /** The page to watch; null until the run is open. */
  get url(): string | null {
    return this.delivery.opened?.url ?? null;
  }

  /** The first step that the server has not yet; null until the run is open. */
  get nextStep(): number | null {
    return this.delivery.opened?.nextStep ?? null;
  }

  get counts(): RunCounts {
    const retries = this.repeater.retryCount + this.finishRetryCount;
    const { length: queued, spilledCount: keptOnDisk } = this.backlog;
    return { ...this.totals, queued, keptOnDisk, retries };
  }

  /** Queues one step; copies what it is given, returns at once, never throws. */
  log(input: FrameInput): void {
    if (this.dependencies.mode === 'disabled') return;
    this.totals.logged += 1;
    try {
      const { layerCount, layerOffset } = this.settings;
      const { now } = this.dependencies.connection;
      const frame = toFrame(input, layerCount, now(), (field, fault) =>
        this.notices.warn(`left out ${field}`, `${fault}; it is left out of the step`),
      );
      this.enqueue({ kind: 'frame', frame, layerOffset, sizeBytes: sizeOfFrame(frame) });
    } catch (error) {
      this.drop(1, 'a step that the contract does not allow', String(error));
    }
    this.listener?.tell();
  }

  /**
   * Calls `callback` with each thing that the server's detectors advise, once. It is called
   * within log(), where a step is over; what it throws is said once and passed over.
   */
  onAdvice(callback: AdviceCallback): void {
    const { connection, mode } = this.dependencies;
    if (mode !== 'online') {
      this.notices.info('advice', 'there is no advice for a run that is not online');
      return;
    }
    const path = () => (this.delivery.opened === null ? null : runPath(this.id, '/advice'));
    this.listener ??= new AdviceListener({ connection, notices: this.notices, path });
    this.listener.add(callback);
  }

  /** The newest advice that is known; null where nobody listens, and before there is any. */
  get advice(): AdviceReply | null {
    return this.listener?.newest ?? null;
  }

  /** Queues an event behind the steps logged so far; returns at once, never throws. */
  event(event: CreateEvent): void {
    if (this.dependencies.mode === 'disabled') return;
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
    return this.delivery.opened !== null;
  }

  /** Resolves when the queue is at most half full: for a producer faster than the network. */
  async whenRoom(): Promise<void> {
    const half = this.dependencies.maxQueueBytes / 2;
    await this.waiters.until(() => this.state === 'closed' || this.backlog.sizeBytes <= half, null);
  }

  /** True once the run is open and all that was queued is settled; false after `deadlineMs`. */
  async flush(deadlineMs = 10_000): Promise<boolean> {
    if (this.dependencies.mode !== 'online') return this.backlog.spill();
    this.waiters.wake();
    return this.waiters.until(
      () => this.state === 'closed' || (this.backlog.length === 0 && this.state === 'open'),
      deadlineMs,
    );
  }

  /**
   * Flushes, then ends the run, within `deadlineMs`. True when the server has been told.
   * What could not be sent by then is kept on disk, with the end of the run, for the next
   * job of this id or `spikescope sync`; without a directory it counts as dropped. Asked
   * again it answers as the first time. Never throws.
   */
  finish(status: FinishStatus, deadlineMs = 15_000): Promise<boolean> {
    if (this.finishing === null) {
      if (this.state === 'closed') return Promise.resolve(false);
      this.finishStatus = status;
      this.finishing = this.finishOnce(status, deadlineMs).finally(() => this.forgetExit());
    }
    return this.finishing;
  }

  private async finishOnce(status: FinishStatus, deadlineMs: number): Promise<boolean> {
    this.listener?.stop();
    const { mode } = this.dependencies;
    // Not by the time of day, which may be set meanwhile.
    const endMs = performance.now() + deadlineMs;
    const isFlushed = await this.flush(Math.max(0, deadlineMs - FINISH_RESERVE_MS));
    // The server takes nothing more, or the end of the process put it all away.
    if (this.isClosed()) return false;
    const canTell = mode === 'online' && this.delivery.opened !== null;
    if (this.kept !== null && !(canTell && isFlushed)) {
      this.keepRest(status);
      return false;
    }
    this.close('the run was finished before they could be sent');
    const isTold = canTell && (await this.sendFinish(status, endMs));
    if (isTold) this.kept?.remove();
    else if (canTell) this.keepRest(status);
    return isTold;
  }

  /** As long as the process can wait. */
  private async endWithProcess(status: FinishStatus, deadlineMs: number): Promise<void> {
    if (this.settings.endsWithProcess || this.finishing !== null) {
      // finish() was perhaps given longer than the process has.
      let timer: NodeJS.Timeout | undefined;
      const isOver = new Promise<void>((resolve) => (timer = setTimeout(resolve, deadlineMs)));
      await Promise.race([this.finish(status, deadlineMs), isOver]);
      clearTimeout(timer);
    } else if (!this.isLeaving) {
      this.isLeaving = true;
      await this.flush(deadlineMs);
    }
  }

  /** The process can wait for nothing any more. */
  private keepAtExit(status: FinishStatus | null): void {
    const end = this.finishStatus ?? (this.settings.endsWithProcess ? status : null);
    if (end !== null && this.kept !== null) {
      this.keepRest(end);
    } else {
      if (this.backlog.spill({ isUrgent: true })) this.sayKept();
      if (end !== null) this.notices.warn('left open', `run ${this.id} is not ended as ${end}`);
      this.close('the process ended before they could be sent', { isExpected: true });
    }
    this.forgetExit();
  }

  /** What is left, and the end of the run, wait on disk. */
  private keepRest(status: FinishStatus): void {
    const { kept } = this;
    if (kept === null) return;
    if (this.backlog.keepFinish(status)) this.sayKept();
    this.close('neither the server nor the disk took them');
    kept.release();
  }

  private sayKept(): void {
    if (this.kept === null || this.kept.spool.isEmpty) return;
    const where = this.dependencies.directory ?? '';
    this.notices.warn('kept', `not everything is delivered; it is kept: spikescope sync ${where}`);
  }

  private async sendFinish(status: FinishStatus, endMs: number): Promise<boolean> {
    const { connection, random } = this.dependencies;
    const body = jsonBody({ status });
    const path = runPath(this.id, '/finish');
    for (let failures = 1; ; failures++) {
      const leftMs = Math.max(250, endMs - performance.now());
      const outcome = await sendRequest(connection, 'POST', path, body, leftMs);
      if (outcome.kind === 'done') {
        this.notices.ignored(outcome.ignored);
        return true;
      }
      const waitMs = backoffMs(failures, outcome.retryAfterMs, random());
      if (outcome.kind !== 'retry' || performance.now() + waitMs >= endMs) {
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

  private enqueue(item: QueueItem): void {
    if (this.state === 'closed' || this.finishing !== null) {
      this.drop(1, 'a step or event after the end', `run ${this.id} takes nothing any more`);
      return;
    }
    this.backlog.push(item);
    if (this.repeater.isAway || this.dependencies.mode === 'offline') this.backlog.spill();
    this.waiters.notify();
  }

  private async runLoop(): Promise<void> {
    try {
      await this.deliverLeftOver();
      const { create, attempt } = this.settings;
      const problem = await this.delivery.open(create, attempt);
      if (problem !== null) this.close(problem);
      if (this.delivery.opened === null) return;
      this.isUndecided = this.mayResume() && this.delivery.opened.nextStep > 0;
      this.noteAttempt();
      this.state = 'open';
      this.waiters.notify();
      while (this.isRunning()) {
        await this.waiters.until(() => this.backlog.length > 0 || !this.isRunning(), null);
        if (!this.isRunning()) return;
        const end = (await this.resume()) ?? (await this.delivery.sendNext(this.backlog));
        if (end !== null && !this.mayReopen()) this.close(end);
        this.waiters.notify();
      }
    } catch (error) {
      // A bug of this client; the training job must not pay for it.
      this.close(`the client broke: ${String(error)}`);
    }
  }

  /** A job that names a run's id again has most likely come back from a checkpoint. */
  private mayResume(): boolean {
    const { create, attempt, layerOffset } = this.settings;
    return create.resumeFromStep === undefined && attempt === null && layerOffset === null;
  }

  /**
   * Once: a job that ended before its first step ended the run as well, and its successor is
   * told so by the first post. True where the run is opened anew with the next.
   */
  private mayReopen(): boolean {
    const isEnded = this.delivery.closedBy === 'run_finished' && this.totals.accepted === 0;
    if (!isEnded || this.hasResumed || !this.mayResume() || !this.isRunning()) return false;
    this.isUndecided = true;
    return true;
  }

  /** With the first step of this job it is known where its attempt begins. */
  private async resume(): Promise<string | null> {
    const resumeFromStep = this.isUndecided ? this.backlog.firstStep() : null;
    if (resumeFromStep === null) return null;
    const problem = await this.delivery.open({ ...this.settings.create, resumeFromStep }, null);
    this.isUndecided = false;
    this.hasResumed = true;
    this.noteAttempt();
    return problem;
  }

  /** What went to disk before the attempt was known belongs to it. */
  private noteAttempt(): void {
    if (this.kept === null || this.kept.spool.isEmpty || !this.isRunning()) return;
    try {
      this.describe();
    } catch (error) {
      this.notices.warn('disk', `the attempt cannot be kept on disk (${String(error)})`);
    }
  }

  /** What earlier processes of this run could not deliver goes first, in their order. */
  private async deliverLeftOver(): Promise<void> {
    const { directory, maxSpoolBytes } = this.dependencies;
    if (directory === null) return;
    for (const folder of findLeftOver(directory, this.id)) {
      if (!this.isRunning()) return;
      const kept = KeptRun.claim(folder, maxSpoolBytes);
      if (kept === null) continue;
      const problem = await deliverLeftOver(
        kept,
        () =>
          new Delivery({
            repeater: this.repeater,
            notices: this.notices,
            totals: this.totals,
            onDrop: (count, kind, reason) => this.drop(count, kind, reason),
          }),
      );
      if (problem !== null) this.notices.warn(`left over ${folder}`, `${folder}: ${problem}`);
    }
  }

  private isRunning(): boolean {
    return !this.isClosed();
  }

  private isClosed(): boolean {
    return this.state === 'closed';
  }

  /** How another process would go on with what lies on disk. Throws what the file system does. */
  private describe(): void {
    const { create, attempt } = this.settings;
    const { resumeFromStep, ...body } = create;
    const { opened } = this.delivery;
    this.kept?.save({
      create: body,
      resume: resumeFromStep ?? 'allow',
      sharedAttempt: attempt,
      attempt: this.isUndecided ? null : this.attempt,
      url: opened?.url ?? null,
    });
  }

  private close(reason: string, { isExpected = this.finishing !== null } = {}): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.listener?.stop();
    if (this.finishing === null) this.forgetExit();
    const left = this.backlog.clear();
    if (left > 0) this.drop(left, 'end', reason);
    else if (!isExpected) this.notices.warn('closed', reason);
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
