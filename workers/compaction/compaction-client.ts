/**
 * What the ingestion worker holds of the compaction thread. Commits are told to it in sums, a
 * few times a second, so that a post pays for an addition.
 */
import type { AttemptId } from '../../lib/store/compaction/compaction-state';
import type { StoreLogger } from '../../lib/store/store-logger';
import { addCounts, KeptTotals } from '../threads/kept-totals';
import { superviseThread, threadUrl } from '../threads/supervised-thread';
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
  waitingBytes: 0,
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

const COUNTS = [
  'compactedRows',
  'blocks',
  'rollups',
  'roundedBlocks',
  'releasedRows',
  'releasedBytes',
  'units',
  'busySeconds',
  'failures',
] as const;

function addTotals(before: CompactionProgress, now: CompactionProgress): CompactionProgress {
  const lastFailure = now.lastFailure ?? before.lastFailure;
  return { ...now, ...addCounts(COUNTS, before, now), lastFailure };
}

export function createCompactionClient(options: CompactionClientOptions): CompactionClient {
  const { databaseUrl, logger, clock = () => performance.now() } = options;
  const pending = new Map<string, StoredPosts>();
  const totals = new KeptTotals(NO_PROGRESS, addTotals);
  let lastDoneMs = clock();
  let flushTimer: NodeJS.Timeout | undefined;
  const thread = superviseThread<CompactionRequest, CompactionReply>({
    name: 'compaction',
    url: options.threadUrl ?? threadUrl('compaction/compaction-thread'),
    data: { databaseUrl } satisfies CompactionThreadData,
    ...{ logger, clock },
    onReady() {
      lastDoneMs = clock();
    },
    onReply(reply) {
      // A unit was finished, or there was none to do.
      const { units, waitingAttempts } = totals.newest;
      if (reply.progress.units > units || waitingAttempts === 0) lastDoneMs = clock();
      totals.take(reply.progress);
    },
    onDeath() {
      totals.died();
    },
  });

  function flush(): void {
    flushTimer = undefined;
    const posts = [...pending.values()];
    pending.clear();
    if (posts.length > 0) thread.send({ kind: 'stored', posts });
  }

  function status(): CompactionStatus {
    const { isRunning, restarts, downMs } = thread;
    const isWaiting = isRunning && totals.newest.waitingAttempts > 0;
    return {
      ...totals.sum,
      ...{ isRunning, restarts, downMs },
      stalledMs: isWaiting ? clock() - lastDoneMs : 0,
    };
  }

  return {
    ready: thread.ready,
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
      thread.send({ kind: 'changed', runKey, attempts });
    },
    forget(runKey) {
      for (const [key, posts] of pending) if (posts.runKey === runKey) pending.delete(key);
      thread.send({ kind: 'forget', runKey });
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
      clearTimeout(flushTimer);
      await thread.close({ kind: 'close' });
    },
  };
}
