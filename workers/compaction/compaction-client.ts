/**
 * What the ingestion worker holds of the compaction thread. Commits are told to it in sums, a
 * few times a second, so that a post pays for an addition. A thread that dies is started
 * again, with growing patience; it finds by itself what is left to do.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { AttemptId } from '../../lib/store/compaction/compaction-state';
import type { StoreLogger } from '../../lib/store/store-logger';
import type {
  CompactionProgress,
  CompactionReply,
  CompactionRequest,
  CompactionThreadData,
  StoredPosts,
} from './thread-messages';

export interface CompactionClientOptions {
  readonly databaseUrl: string;
  readonly logger: StoreLogger;
  readonly threadUrl?: URL;
  readonly clock?: () => number;
}

export interface CompactionStatus extends CompactionProgress {
  /** Told that the thread looks after the store. */
  readonly isRunning: boolean;
  readonly restarts: number;
  /** How long nothing has been finished although something waits; 0 when all is well. */
  readonly stalledMs: number;
  /** How long the thread has not been running. */
  readonly downMs: number;
}

export interface CompactionClient {
  /** Settled once the thread runs for the first time. */
  readonly ready: Promise<void>;
  /** Posts of one attempt that are committed. */
  noteStored(id: AttemptId, steps: readonly { step: number; sizeBytes: number }[]): void;
  /** The run ended, or has another attempt. */
  noteChanged(runKey: string, attempts: readonly number[]): void;
  /** The run is being deleted. */
  forget(runKey: string): void;
  status(): CompactionStatus;
  /** `ok`, or what is wrong; for readiness. */
  check(): string;
  /** Waits for the unit under way. */
  close(): Promise<void>;
}

/** How long commits are summed up: a fraction of what a block takes to fill. */
const FLUSH_MS = 100;
const FIRST_RESTART_MS = 500;
const LONGEST_RESTART_MS = 30_000;
/** A thread that lived so long had not died of its start. */
const STEADY_MS = 60_000;
const CLOSE_TIMEOUT_MS = 10_000;
/** The slowest start reads every hot row's head. */
const MAX_DOWN_MS = 60_000;
/** The longest unit seen took two seconds; a failing one is tried again every minute at the latest. */
const MAX_STALL_MS = 300_000;
/** Eight minutes of the highest load measured. */
const MAX_BEHIND_BYTES = 32 * 1024 ** 3;

/** Of a thread that has done nothing yet. */
export const NO_PROGRESS: CompactionProgress = {
  hotRows: 0,
  hotBytes: 0,
  lagSteps: 0,
  waitingAttempts: 0,
  compactedRows: 0,
  blocks: 0,
  rollups: 0,
  roundedBlocks: 0,
  releasedRows: 0,
  releasedBytes: 0,
  units: 0,
  busySeconds: 0,
  failures: 0,
  lastFailure: null,
};

/** Totals of threads that died are kept, as a counter must not fall. */
function addTotals(before: CompactionProgress, now: CompactionProgress): CompactionProgress {
  return {
    ...now,
    compactedRows: before.compactedRows + now.compactedRows,
    blocks: before.blocks + now.blocks,
    rollups: before.rollups + now.rollups,
    roundedBlocks: before.roundedBlocks + now.roundedBlocks,
    releasedRows: before.releasedRows + now.releasedRows,
    releasedBytes: before.releasedBytes + now.releasedBytes,
    units: before.units + now.units,
    busySeconds: before.busySeconds + now.busySeconds,
    failures: before.failures + now.failures,
    lastFailure: now.lastFailure ?? before.lastFailure,
  };
}

export function createCompactionClient(options: CompactionClientOptions): CompactionClient {
  const { databaseUrl, logger, threadUrl = THREAD_URL, clock = () => performance.now() } = options;
  const pending = new Map<string, StoredPosts>();
  let thread: Worker | null = null;
  let isReady = false;
  let isClosing = false;
  let restarts = 0;
  let restartMs = FIRST_RESTART_MS;
  let startedMs = clock();
  let downSinceMs = clock();
  let earlier = NO_PROGRESS;
  let progress = NO_PROGRESS;
  let lastDoneMs = clock();
  let flushTimer: NodeJS.Timeout | undefined;
  let restartTimer: NodeJS.Timeout | undefined;
  let settleReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    settleReady = resolve;
  });

  function start(): void {
    startedMs = clock();
    const started = openThread(threadUrl, { databaseUrl });
    thread = started;
    started.on('message', (message: CompactionReply) => {
      if (thread === started) take(message);
    });
    started.on('error', (error) => {
      replace(started, error.message);
    });
    started.on('exit', (code) => {
      replace(started, `it ended with code ${code}`);
    });
  }

  function take(message: CompactionReply): void {
    switch (message.kind) {
      case 'ready':
        isReady = true;
        lastDoneMs = clock();
        settleReady();
        break;
      case 'progress':
        // A unit was finished, or there was none to do.
        if (message.progress.units > progress.units || progress.waitingAttempts === 0) {
          lastDoneMs = clock();
        }
        progress = message.progress;
        break;
      case 'log':
        logger[message.level](message.fields, message.message);
        break;
    }
  }

  function replace(dead: Worker, reason: string): void {
    // Its exit follows its error.
    if (thread !== dead) return;
    thread = null;
    isReady = false;
    downSinceMs = clock();
    if (isClosing) return;
    restarts++;
    earlier = addTotals(earlier, progress);
    progress = NO_PROGRESS;
    if (clock() - startedMs > STEADY_MS) restartMs = FIRST_RESTART_MS;
    logger.error({ reason, restartMs }, 'the compaction thread died; starting it again');
    restartTimer = setTimeout(start, restartMs);
    restartTimer.unref();
    restartMs = Math.min(restartMs * 2, LONGEST_RESTART_MS);
  }

  function send(request: CompactionRequest): void {
    thread?.postMessage(request);
  }

  function flush(): void {
    flushTimer = undefined;
    const posts = [...pending.values()];
    pending.clear();
    if (posts.length > 0) send({ kind: 'stored', posts });
  }

  function status(): CompactionStatus {
    const nowMs = clock();
    const isWaiting = isReady && progress.waitingAttempts > 0;
    return {
      ...addTotals(earlier, progress),
      isRunning: isReady,
      restarts,
      stalledMs: isWaiting ? nowMs - lastDoneMs : 0,
      downMs: isReady ? 0 : nowMs - downSinceMs,
    };
  }

  start();
  return {
    ready,
    noteStored({ runKey, attempt }, steps) {
      if (steps.length === 0) return;
      const key = `${runKey}/${attempt}`;
      const known = pending.get(key);
      let { rows = 0, sizeBytes = 0, lowestStep = Infinity, newestStep = -1 } = known ?? {};
      for (const posted of steps) {
        rows++;
        sizeBytes += posted.sizeBytes;
        lowestStep = Math.min(lowestStep, posted.step);
        newestStep = Math.max(newestStep, posted.step);
      }
      pending.set(key, { runKey, attempt, rows, sizeBytes, lowestStep, newestStep });
      flushTimer ??= setTimeout(flush, FLUSH_MS).unref();
    },
    noteChanged(runKey, attempts) {
      // What was posted before is told before.
      clearTimeout(flushTimer);
      flush();
      send({ kind: 'changed', runKey, attempts });
    },
    forget(runKey) {
      for (const [key, posts] of pending) if (posts.runKey === runKey) pending.delete(key);
      send({ kind: 'forget', runKey });
    },
    status,
    check() {
      const { downMs, stalledMs, hotBytes, waitingAttempts, lastFailure } = status();
      const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
      const cause = lastFailure === null ? '' : `: ${lastFailure}`;
      if (downMs > MAX_DOWN_MS) return `not running for ${seconds(downMs)}${cause}`;
      if (stalledMs > MAX_STALL_MS) {
        return `${waitingAttempts} attempts have waited for ${seconds(stalledMs)}${cause}`;
      }
      if (hotBytes > MAX_BEHIND_BYTES) {
        return `${Math.round(hotBytes / 1024 ** 3)} GiB behind${cause}`;
      }
      return 'ok';
    },
    async close() {
      isClosing = true;
      clearTimeout(flushTimer);
      clearTimeout(restartTimer);
      const closing = thread;
      if (closing === null) return;
      const ended = new Promise<void>((resolve) => closing.once('exit', () => resolve()));
      send({ kind: 'close' });
      // Its transaction ends with its connection.
      const limit = setTimeout(() => void closing.terminate(), CLOSE_TIMEOUT_MS);
      await ended;
      clearTimeout(limit);
    },
  };
}

/** Beside this file in the sources, and in the folder beside the worker's bundle once built. */
const EXTENSION = extname(new URL(import.meta.url).pathname);
const THREAD_URL = new URL(`../compaction/compaction-thread${EXTENSION}`, import.meta.url);

function openThread(url: URL, data: CompactionThreadData): Worker {
  // The worker's own arguments watch over a process.
  const execArgv = ['--enable-source-maps'];
  if (!url.pathname.endsWith('.ts')) return new Worker(url, { workerData: data, execArgv });
  // Sources: a thread does not inherit what loads them, and takes no loader for its entry.
  const load = `import('tsx/esm/api').then(({ register }) => (register(), import(${JSON.stringify(url.href)})))`;
  return new Worker(load, { eval: true, workerData: data, execArgv });
}
