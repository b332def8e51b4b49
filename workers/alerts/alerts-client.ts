/**
 * What the ingestion worker holds of the thread that folds alert rules. Commits are told to it
 * in sums, a few times a second, so that a post pays for an addition to a map.
 */
import type { LiveIncident } from '../../lib/contract/incidents';
import type { StoreLogger } from '../../lib/store/store-logger';
import { addCounts, KeptTotals } from '../threads/kept-totals';
import { superviseThread, threadUrl } from '../threads/supervised-thread';
import type { AlertSettings } from './alert-settings';
import type {
  AlertProgress,
  AlertReply,
  AlertRequest,
  AlertThreadData,
  AttemptNews,
} from './thread-messages';

export interface AlertsClientOptions {
  readonly databaseUrl: string;
  readonly settings: AlertSettings;
  readonly logger: StoreLogger;
  readonly threadUrl?: URL;
  readonly clock?: () => number;
}

export interface AlertsStatus extends AlertProgress {
  readonly isRunning: boolean;
  readonly restarts: number;
  readonly downMs: number;
}

export interface AlertsClient {
  /** Settled once the thread runs for the first time. */
  readonly ready: Promise<void>;
  /** Where incidents are told of from now on; one listener. */
  onIncident(listener: (live: LiveIncident) => void): void;
  /** Frames of an attempt are committed. */
  noteStored(id: { readonly runKey: string; readonly attempt: number }): void;
  /** Detectors have looked at an attempt as far as this step, and what they found is written. */
  noteSettled(id: { readonly runKey: string; readonly attempt: number }, step: number): void;
  /** The run ended, or has another attempt. */
  noteChanged(runKey: string): void;
  /** Rules of the project were made, changed or deleted. */
  noteRules(project: string): void;
  /** Messages may be due: a channel was switched on, or one is to be sent again. */
  noteDeliveries(): void;
  /** The run is being deleted. */
  forget(runKey: string): void;
  status(): AlertsStatus;
  /** `ok`, or what is wrong; for readiness. */
  check(): string;
  /** Waits for the turn under way. */
  close(): Promise<void>;
}

/** How long news is summed up: a tenth of what an incident may take. */
const FLUSH_MS = 100;
/** Attempts; the saved state of the detectors says the same of older ones. */
const MAX_REMEMBERED = 1_000;
const MAX_DOWN_MS = 60_000;
/** A restart that has days of runs to catch up on is no fault yet. */
const MAX_LAG_MS = 300_000;

/** Of a thread that has done nothing yet. */
export const NO_ALERT_PROGRESS: AlertProgress = {
  rules: 0,
  runs: 0,
  openIncidents: 0,
  lagMs: 0,
  turns: 0,
  foldedSteps: 0,
  opened: 0,
  closed: 0,
  failures: 0,
  lastFailure: null,
  busySeconds: 0,
  delivery: { underWay: 0, delivered: 0, failed: 0, dead: 0, outages: 0 },
};

const COUNTS = ['turns', 'foldedSteps', 'opened', 'closed', 'failures', 'busySeconds'] as const;
const DELIVERY_COUNTS = ['delivered', 'failed', 'dead', 'outages'] as const;

function addTotals(before: AlertProgress, now: AlertProgress): AlertProgress {
  const delivery = addCounts(DELIVERY_COUNTS, before.delivery, now.delivery);
  return {
    ...now,
    ...addCounts(COUNTS, before, now),
    lastFailure: now.lastFailure ?? before.lastFailure,
    delivery: { ...delivery, underWay: now.delivery.underWay },
  };
}

export function createAlertsClient(options: AlertsClientOptions): AlertsClient {
  const { databaseUrl, settings, logger, clock = () => performance.now() } = options;
  const pending = new Map<string, AttemptNews>();
  /** What a thread that is started again cannot read anywhere: how far detectors are. */
  const settled = new Map<string, AttemptNews>();
  const totals = new KeptTotals(NO_ALERT_PROGRESS, addTotals);
  let flushTimer: NodeJS.Timeout | undefined;
  let tell = (live: LiveIncident): void => {
    logger.info({ incident: live.incident.id }, 'an incident that nobody listens for');
  };
  const thread = superviseThread<AlertRequest, AlertReply>({
    name: 'alert',
    url: options.threadUrl ?? threadUrl('alerts/alerts-thread'),
    data: { databaseUrl, settings } satisfies AlertThreadData,
    ...{ logger, clock },
    onReady() {
      for (const [key, news] of settled) if (!pending.has(key)) pending.set(key, news);
      flush();
    },
    onReply(reply) {
      switch (reply.kind) {
        case 'progress':
          totals.take(reply.progress);
          break;
        case 'incident':
          tell(reply.live);
          break;
      }
    },
    onDeath() {
      totals.died();
    },
  });

  function note(
    { runKey, attempt }: { readonly runKey: string; readonly attempt: number },
    settledStep: number | null,
  ): void {
    const key = `${runKey}/${attempt}`;
    const known = pending.get(key)?.settledStep ?? null;
    const newest = settledStep === null ? known : Math.max(known ?? -1, settledStep);
    const news = { runKey, attempt, settledStep: newest };
    pending.set(key, news);
    if (newest !== null) remember(key, news);
    flushTimer ??= setTimeout(flush, FLUSH_MS).unref();
  }

  function remember(key: string, news: AttemptNews): void {
    settled.delete(key);
    settled.set(key, news);
    if (settled.size <= MAX_REMEMBERED) return;
    const [oldest] = settled.keys();
    if (oldest !== undefined) settled.delete(oldest);
  }

  function flush(): void {
    clearTimeout(flushTimer);
    flushTimer = undefined;
    const news = [...pending.values()];
    pending.clear();
    if (news.length > 0) thread.send({ kind: 'news', news });
  }

  function status(): AlertsStatus {
    const { isRunning, restarts, downMs } = thread;
    return { ...totals.sum, isRunning, restarts, downMs };
  }

  return {
    ready: thread.ready,
    onIncident(listener) {
      tell = listener;
    },
    noteStored(id) {
      note(id, null);
    },
    noteSettled: note,
    noteChanged(runKey) {
      // What was found before is told before.
      flush();
      thread.send({ kind: 'changed', runKey });
    },
    noteRules(project) {
      thread.send({ kind: 'rules', project });
    },
    noteDeliveries() {
      thread.send({ kind: 'deliver' });
    },
    forget(runKey) {
      for (const known of [pending, settled]) {
        for (const [key, news] of known) if (news.runKey === runKey) known.delete(key);
      }
      thread.send({ kind: 'forget', runKey });
    },
    status,
    check() {
      const { downMs, lagMs, lastFailure } = status();
      const cause = lastFailure === null ? '' : `: ${lastFailure}`;
      if (downMs > MAX_DOWN_MS) return `not running for ${Math.round(downMs / 1000)} s${cause}`;
      if (lagMs > MAX_LAG_MS) return `${Math.round(lagMs / 1000)} s behind${cause}`;
      return 'ok';
    },
    async close() {
      clearTimeout(flushTimer);
      await thread.close({ kind: 'close' });
    },
  };
}
