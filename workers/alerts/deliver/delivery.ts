/**
 * Sends what waits in `alert_delivery`. A message is claimed, sent and settled; what fails waits
 * for its next try, and after the last it is dead, kept and shown. One message is under way to a
 * channel at a time, the oldest first, and many channels at once, so that a receiver that hangs
 * delays its own messages and nobody else's.
 *
 * Nothing is held in memory that a restart would miss: a process that dies in the middle of a send
 * leaves a claim that runs out, and the next one sends the same message under the same id.
 */
import { findSendingChannel } from '../../../lib/store/alerts/alert-channels';
import {
  type ClaimedDelivery,
  type DeliveryOutcome,
  claimDelivery,
  findDueDeliveries,
  findNextAttempt,
  settleDelivery,
} from '../../../lib/store/alerts/alert-deliveries';
import { findMessageSource } from '../../../lib/store/alerts/alert-messages';
import type { Database } from '../../../lib/store/database';
import type { StoreLogger } from '../../../lib/store/store-logger';
import { composeIncident } from './compose-message';
import type { MessageSender } from './message-sender';
import { MAX_TRIES, retryDelayMs } from './retry-delay';

export interface DeliveryOptions {
  readonly db: Database;
  readonly sender: MessageSender;
  readonly logger: StoreLogger;
  readonly now: () => Date;
  /** In [0, 1). */
  readonly random: () => number;
  readonly maxConcurrent?: number;
}

export interface DeliveryStatus {
  readonly underWay: number;
  /** Totals since the start. */
  readonly delivered: number;
  readonly failed: number;
  readonly dead: number;
  /** Times that the database could not be asked. */
  readonly outages: number;
}

export interface Delivery {
  /** Something was committed that may be due. Costs nothing where it is said too often. */
  kick(): void;
  status(): DeliveryStatus;
  /** Resolves once nothing is under way and nothing that is due waits. */
  settled(): Promise<void>;
  /** Breaks off what is under way and gives it back: it is sent by the next start. */
  close(): Promise<void>;
}

/**
 * Sockets are cheap. Channels that fail share half of these, so that any number of receivers that
 * hang leaves room for those that do not.
 */
const MAX_CONCURRENT = 256;
/** The longest try is 20 s; a claim that runs out earlier would send twice. */
const LEASE_MS = 60_000;
/** How soon a message is seen that another process wants sent again. */
const POLL_MS = 2_000;
const FIRST_OUTAGE_MS = 1_000;
const LONGEST_OUTAGE_MS = 30_000;

/** Begins at once with what an earlier process left. */
export function createDelivery(options: DeliveryOptions): Delivery {
  const { db, sender, logger, now, random, maxConcurrent = MAX_CONCURRENT } = options;
  const maxFailing = Math.max(1, Math.floor(maxConcurrent / 2));
  const underWay = new Map<string, { readonly isFailing: boolean; readonly done: Promise<void> }>();
  const closing = new AbortController();
  const totals = { delivered: 0, failed: 0, dead: 0, outages: 0 };
  let pumping: Promise<void> | null = null;
  let isAskedAgain = false;
  let timer: NodeJS.Timeout | undefined;
  let outageMs = FIRST_OUTAGE_MS;

  function kick(): void {
    if (closing.signal.aborted) return;
    isAskedAgain = true;
    pumping ??= pump().finally(() => {
      pumping = null;
      // Asked between the last look and now.
      if (isAskedAgain) kick();
    });
  }

  async function pump(): Promise<void> {
    clearTimeout(timer);
    try {
      while (isAskedAgain && !closing.signal.aborted) {
        isAskedAgain = false;
        await startDue();
      }
      outageMs = FIRST_OUTAGE_MS;
      await wakeLater();
    } catch (error) {
      totals.outages++;
      isAskedAgain = false;
      logger.warn({ error, outageMs }, 'messages of alerts cannot be read; trying again');
      wakeIn(outageMs);
      outageMs = Math.min(outageMs * 2, LONGEST_OUTAGE_MS);
    }
  }

  async function startDue(): Promise<void> {
    const limit = maxConcurrent - underWay.size;
    if (limit <= 0) return;
    const busyChannels = [...underWay.keys()];
    const failing = [...underWay.values()].filter(({ isFailing }) => isFailing).length;
    const failingLimit = Math.max(0, maxFailing - failing);
    const query = { now: now(), busyChannels, limit, failingLimit };
    for (const due of await findDueDeliveries(db, query)) {
      const claimed = await claimDelivery(db, due, { now: now(), leaseMs: LEASE_MS });
      // Another process was faster: the channel may have more.
      if (claimed === null) isAskedAgain = true;
      else start(claimed, due.isFailing);
    }
  }

  async function wakeLater(): Promise<void> {
    const next = await findNextAttempt(db, now());
    const waitMs = next === null ? POLL_MS : next.getTime() - now().getTime();
    wakeIn(Math.min(Math.max(waitMs, 0), POLL_MS));
  }

  function wakeIn(ms: number): void {
    if (closing.signal.aborted) return;
    clearTimeout(timer);
    timer = setTimeout(kick, ms);
    timer.unref();
  }

  function start(claimed: ClaimedDelivery, isFailing: boolean): void {
    const { channelKey } = claimed;
    const done = deliver(claimed).finally(() => {
      underWay.delete(channelKey);
      kick();
    });
    underWay.set(channelKey, { isFailing, done });
  }

  async function deliver(claimed: ClaimedDelivery): Promise<void> {
    try {
      const outcome = await attempt(claimed);
      if (!(await settleDelivery(db, claimed, outcome))) return;
      if (outcome.kind !== 'released') totals[outcome.kind]++;
    } catch (error) {
      // The claim runs out, and the message is sent again.
      totals.outages++;
      logger.warn({ error, delivery: claimed.deliveryKey }, 'a message of an alert is not settled');
    }
  }

  async function attempt(claimed: ClaimedDelivery): Promise<DeliveryOutcome> {
    // Each try before ended with its process, or with a row that cannot be read.
    if (claimed.attempt > MAX_TRIES) return { kind: 'dead', error: 'no try came to an end' };
    const [source, channel] = await Promise.all([
      findMessageSource(db, claimed),
      findSendingChannel(db, claimed.project, claimed.channelKey),
    ]);
    if (source === null) return { kind: 'dead', error: 'its incident was removed' };
    if (channel === null) return { kind: 'dead', error: 'its channel was removed' };
    if (!channel.isEnabled) return { kind: 'dead', error: 'its channel is switched off' };
    const message = composeIncident(source, sender.publicUrl);
    const result = await sender.send(channel, message, closing.signal);
    if (result.kind === 'delivered') return { kind: 'delivered', at: now(), note: result.note };
    if (closing.signal.aborted) return { kind: 'released', now: now() };
    const { message: error, isFinal, retryAfterSeconds } = result;
    if (isFinal || claimed.attempt >= MAX_TRIES) {
      logger.error(
        { channel: channel.name, project: channel.project, tries: claimed.attempt, reason: error },
        'a message of an alert is given up',
      );
      return { kind: 'dead', error };
    }
    const waitMs = retryDelayMs(claimed.attempt, { random: random(), retryAfterSeconds });
    return { kind: 'failed', error, nextAttemptAt: new Date(now().getTime() + waitMs) };
  }

  async function settled(): Promise<void> {
    while (pumping !== null || underWay.size > 0) {
      await Promise.all([pumping, ...[...underWay.values()].map(({ done }) => done)]);
    }
  }

  kick();
  return {
    kick,
    status: () => ({ underWay: underWay.size, ...totals }),
    settled,
    async close() {
      closing.abort();
      clearTimeout(timer);
      await settled();
      clearTimeout(timer);
    },
  };
}
