/**
 * What the ingestion worker holds of the statistics thread. A frame's samples are copied
 * once, into a buffer that moves to the thread and back with the result, so that other
 * posts are read and acknowledged meanwhile.
 *
 * While an accelerator is at work, the small frames that come wait here, and go to it as
 * one call: starting it costs more than they do. The single pass takes each as it comes.
 *
 * While the thread starts, and should it die twice, frames are computed here. When it dies
 * or does not answer, another thread takes over on the single pass, with all that waits.
 */
import type { Worker } from 'node:worker_threads';
import { AppError } from '../../lib/contract/app-error';
import type { FrameStatistics, FrameStatisticsInput } from '../../lib/stats/frame-statistics';
import type { HistogramShapes, ShapesInput } from '../../lib/stats/histogram-shapes';
import {
  ANSWER_TIMEOUT_MS,
  CLOSE_TIMEOUT_MS,
  MAX_QUEUED_BYTES,
  START_TIMEOUT_MS,
  type StatisticsClientOptions,
} from './client-options';
import { THREAD_URL, openThread } from './open-thread';
import { SlabPool } from './slab-pool';
import type { BackendName } from './statistics-backend';
import type { StatisticsStatus } from './statistics-status';
import { groupFrames, isLarge, resolveFrames } from './merge-frames';
import {
  type FramePart,
  type Job,
  areWellFormedShapes,
  computeHere,
  isWellFormedFrame,
  sizeOf,
  sizeOfFrame,
  toRequest,
} from './statistics-jobs';
import type { ThreadReply, ThreadRequest } from './thread-messages';

export interface StatisticsClient {
  /** Settled once frames go to the thread, or never will. */
  readonly ready: Promise<void>;
  /** Throws AppError `writer_saturated` while more samples wait than the queue may hold. */
  readonly checkRoom: () => void;
  readonly compute: (input: FrameStatisticsInput) => Promise<FrameStatistics>;
  /**
   * Shapes of many histograms over the same edges, for batch jobs: it takes no room from
   * frames, and its caller waits for one batch before it gives the next.
   */
  readonly computeShapes: (input: ShapesInput) => Promise<HistogramShapes>;
  readonly status: () => StatisticsStatus;
  /** Lets go of buffers where nothing was computed since this was called last. */
  readonly releaseUnused: () => void;
  /** Waits for what is under way. */
  readonly close: () => Promise<void>;
}

export function createStatisticsClient(options: StatisticsClientOptions): StatisticsClient {
  const { choice, logger, maxQueuedBytes = MAX_QUEUED_BYTES } = options;
  /** With the thread. */
  const jobs = new Map<number, Job>();
  /** Small frames that wait for the accelerator to come back from a call. */
  const waiting: FramePart[] = [];
  const slabs = new SlabPool();
  let thread: Worker | null = null;
  let threadChoice = choice;
  let isReady = false;
  let isClosing = false;
  let nextId = 0;
  let queuedBytes = 0;
  let batchCount = 0;
  let hostRowCount = 0;
  let fallbackCount = 0;
  let backend: BackendName | null = null;
  let device = '';
  let shapesBackend: BackendName | null = null;
  let timer: NodeJS.Timeout | undefined;
  let settleReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    settleReady = resolve;
  });

  function startThread(): void {
    const started = openThread(options.threadUrl ?? THREAD_URL, threadChoice);
    thread = started;
    isReady = false;
    started.on('message', (reply: ThreadReply) => {
      if (thread === started) take(reply);
    });
    started.on('error', (error) => replaceThread(started, error.message));
    started.on('exit', (code) => replaceThread(started, `it ended with code ${code}`));
    watchClock();
  }

  /** One clock: the thread must start, and then answer as long as something waits. */
  function watchClock(): void {
    clearTimeout(timer);
    const watched = thread;
    if (watched === null || (isReady && jobs.size === 0)) return;
    const limitMs = isReady
      ? (options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS)
      : (options.startTimeoutMs ?? START_TIMEOUT_MS);
    timer = setTimeout(() => {
      replaceThread(watched, `no answer for ${limitMs / 1000} s`);
      void watched.terminate();
    }, limitMs);
    timer.unref();
  }

  function take(reply: ThreadReply): void {
    switch (reply.kind) {
      case 'ready':
        isReady = true;
        use(reply.backend, reply.device);
        for (const { name, reason, isFault } of reply.passedOver) {
          const log = isFault ? logger.warn : logger.info;
          log.call(logger, { backend: name, reason }, 'statistics backend passed over');
        }
        shapesBackend = reply.shapes.backend;
        logger.info({ backend, device }, 'statistics backend');
        logger.info({ ...reply.shapes }, 'statistics backend of histograms');
        settleReady();
        break;
      case 'fellBack':
        fallbackCount++;
        use(reply.backend, reply.device);
        shapesBackend = reply.backend;
        logger.warn(
          { backend, reason: reply.reason },
          'statistics backend failed; the single pass takes over until the worker restarts',
        );
        break;
      case 'computed': {
        slabs.give(reply.slab);
        hostRowCount += reply.hostRowCount;
        const job = end(reply.id);
        if (job?.kind === 'frames') resolveFrames(job.parts, reply.statistics);
        break;
      }
      case 'computedShapes': {
        hostRowCount += reply.hostRowCount;
        const job = end(reply.id);
        if (job?.kind === 'shapes') job.resolve(reply.shapes);
        break;
      }
      case 'failed':
        if (reply.slab !== null) slabs.give(reply.slab);
        fail(end(reply.id), reply.message);
        break;
    }
    sendWaiting();
    watchClock();
  }

  /** Frames that shared a call are each asked for again: one must not fail the others. */
  function fail(job: Job | undefined, message: string): void {
    if (job === undefined) return;
    if (job.kind === 'shapes') {
      job.reject(new Error(message));
      return;
    }
    const isAlone = job.parts.length === 1 || isClosing;
    for (const part of job.parts) {
      if (isAlone) part.reject(new Error(message));
      else start({ kind: 'frames', parts: [part] });
    }
  }

  function use(name: BackendName, runsOn: string): void {
    backend = name;
    device = runsOn;
  }

  function end(id: number): Job | undefined {
    const job = jobs.get(id);
    jobs.delete(id);
    queuedBytes -= job === undefined ? 0 : sizeOf(job);
    return job;
  }

  function replaceThread(dead: Worker, reason: string): void {
    // Its exit follows its error, and both may follow a replacement.
    if (thread !== dead) return;
    thread = null;
    if (isClosing) return;
    fallbackCount++;
    const isLast = threadChoice === 'cpu';
    logger.warn(
      { backend: backend ?? threadChoice, reason, waitingFrames: countQueued() },
      isLast
        ? 'statistics thread died again; the worker computes itself until it restarts'
        : 'statistics thread died; another one takes over on the single pass',
    );
    shapesBackend = 'cpu';
    use('cpu', isLast ? 'the worker itself' : 'one core');
    if (isLast) {
      isReady = false;
      clearTimeout(timer);
      settleReady();
      for (const [id, job] of [...jobs]) {
        end(id);
        computeHere(job);
      }
      for (const part of waiting.splice(0)) {
        queuedBytes -= sizeOfFrame(part.input);
        computeHere({ kind: 'frames', parts: [part] });
      }
      return;
    }
    threadChoice = 'cpu';
    startThread();
    for (const [id, job] of jobs) send(id, job);
    sendWaiting();
  }

  function submitFrame(part: FramePart): void {
    if (!isReady || thread === null || !isWellFormedFrame(part.input)) {
      computeHere({ kind: 'frames', parts: [part] });
      return;
    }
    const isAccelerated = backend !== null && backend !== 'cpu';
    if (isAccelerated && jobs.size > 0 && !isLarge(part.input)) {
      waiting.push(part);
      queuedBytes += sizeOfFrame(part.input);
    } else start({ kind: 'frames', parts: [part] });
  }

  function sendWaiting(): void {
    for (const parts of groupFrames(waiting.splice(0))) {
      for (const { input } of parts) queuedBytes -= sizeOfFrame(input);
      start({ kind: 'frames', parts });
    }
  }

  /** Hands a job to the thread. */
  function start(job: Job): void {
    const id = nextId++;
    jobs.set(id, job);
    queuedBytes += sizeOf(job);
    if (job.kind === 'frames') batchCount++;
    send(id, job);
    if (jobs.size === 1) watchClock();
  }

  function countQueued(): number {
    let count = waiting.length;
    for (const job of jobs.values()) count += job.kind === 'frames' ? job.parts.length : 1;
    return count;
  }

  function send(id: number, job: Job): void {
    thread?.postMessage(...toRequest(id, job, slabs));
  }

  startThread();
  return {
    ready,
    checkRoom() {
      if (queuedBytes <= maxQueuedBytes) return;
      throw new AppError(
        'writer_saturated',
        `${countQueued()} frames of raw samples wait for their statistics`,
        { retryAfterSeconds: 1 },
      );
    },
    compute: (input) => new Promise((resolve, reject) => submitFrame({ input, resolve, reject })),
    computeShapes: (input) =>
      new Promise((resolve, reject) => {
        const job: Job = { kind: 'shapes', input, resolve, reject };
        if (isReady && thread !== null && areWellFormedShapes(input)) start(job);
        else computeHere(job);
      }),
    releaseUnused() {
      slabs.releaseUnused();
    },
    status: () => ({
      backend,
      device,
      shapesBackend,
      queuedFrames: countQueued(),
      queuedBytes,
      batchCount,
      hostRowCount,
      fallbackCount,
    }),
    async close() {
      isClosing = true;
      clearTimeout(timer);
      const closing = thread;
      if (closing === null) return;
      sendWaiting();
      const request: ThreadRequest = { kind: 'close' };
      const ended = new Promise<void>((resolve) => closing.once('exit', () => resolve()));
      closing.postMessage(request);
      const limit = setTimeout(() => void closing.terminate(), CLOSE_TIMEOUT_MS);
      await ended;
      clearTimeout(limit);
    },
  };
}
