/**
 * The alert thread's side of the conversation: one run's turn after the other, for as long as
 * any has news. A run has a turn every 400 ms at most, and while no news has waited for
 * long the thread rests after each as long as that took, so that posts are acknowledged as fast
 * as without it.
 */
import type { MessagePort } from 'node:worker_threads';
import type { IncidentChange } from '../../lib/store/alerts/alert-progress';
import { findWatchedRuns } from '../../lib/store/alerts/watched-runs';
import { type FoldableRule, findFoldableRules } from '../../lib/store/alerts/alert-rules';
import type { Database } from '../../lib/store/database';
import type { StoreLogger } from '../../lib/store/store-logger';
import { Pauses } from '../threads/pauses';
import { type LogLevel, type LogReply, type ReadyReply, toLogReply } from '../threads/thread-log';
import type { Delivery } from './deliver/delivery';
import { RunFolds, type Turn } from './run-folds';
import type { AlertProgress, AlertReply, AlertRequest } from './thread-messages';

export interface AlertServices {
  readonly db: Database;
  readonly delivery: Delivery;
}

const TURN_EVERY_MS = 400;
const LONGEST_REST_MS = 200;
/** Of the second that an incident may take: from then on it rests no more. */
const RESTED_BELOW_LAG_MS = 600;
const REPORT_EVERY_MS = 1_000;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 10_000;
/** A run that nothing is heard of leaves the memory; what it holds is saved. */
const IDLE_MS = 600_000;
/** Timers overflow beyond 24 days. */
const LONGEST_SLEEP_MS = 60_000;

interface Watched {
  readonly folds: RunFolds;
  /** By the clock; Infinity where nothing is due. */
  dueMs: number;
  /** By the wall clock; Infinity for never. */
  lookMs: number;
  /** Since when news has waited; null for none. */
  newsMs: number | null;
  /** It has posted, ended or begun since it is held; others were found in the store. */
  isLive: boolean;
  turnMs: number;
  usedMs: number;
  backoffMs: number;
}

function comesBefore(a: Watched, b: Watched): boolean {
  return a.isLive === b.isLive ? a.turnMs < b.turnMs : a.isLive;
}

type Totals = {
  -readonly [
    Name in Exclude<keyof AlertProgress, 'rules' | 'runs' | 'openIncidents' | 'lagMs' | 'delivery'>
  ]: AlertProgress[Name];
};

/** Resolves once it was asked to close and has saved what moved. */
export async function serveAlerts(
  port: MessagePort,
  createServices: (logger: StoreLogger) => AlertServices,
  clock: () => number = () => performance.now(),
  now: () => Date = () => new Date(),
): Promise<void> {
  const logger: StoreLogger = {
    info: logAs('info'),
    warn: logAs('warn'),
    error: logAs('error'),
  };
  const { db, delivery } = createServices(logger);
  const rules = new Map<string, readonly FoldableRule[]>();
  const runs = new Map<string, Watched>();
  /** Projects whose rules are to be read again; null is all of them, at the start. */
  const staleProjects = new Set<string | null>([null]);
  const pauses = new Pauses(clock);
  let reportedMs = -Infinity;
  const totals: Totals = {
    ...{ turns: 0, foldedSteps: 0, opened: 0, closed: 0, failures: 0, busySeconds: 0 },
    lastFailure: null,
  };

  function reply(message: AlertReply | ReadyReply | LogReply): void {
    port.postMessage(message);
  }

  function logAs(level: LogLevel): (fields: object, message: string) => void {
    return (fields, message) => {
      reply(toLogReply(level, fields, message));
    };
  }

  port.on('message', (request: AlertRequest) => {
    switch (request.kind) {
      case 'news':
        for (const { runKey, attempt, settledStep } of request.news) {
          const watched = watch(runKey);
          if (settledStep !== null) watched.folds.noteSettled(attempt, settledStep);
          watched.isLive = true;
          makeDue(watched);
        }
        break;
      case 'changed': {
        const watched = watch(request.runKey);
        watched.folds.noteChanged();
        watched.isLive = true;
        makeDue(watched);
        break;
      }
      case 'rules':
        staleProjects.add(request.project);
        break;
      case 'forget':
        runs.delete(request.runKey);
        break;
      case 'deliver':
        delivery.kick();
        break;
      case 'close':
        pauses.close();
        break;
    }
    pauses.wake();
  });

  function watch(runKey: string): Watched {
    const known = runs.get(runKey);
    if (known !== undefined) return known;
    const folds = new RunFolds(runKey, { db, logger, now });
    const watched: Watched = {
      ...{ folds, dueMs: Infinity, lookMs: Infinity, newsMs: null, isLive: false },
      ...{ turnMs: -Infinity, usedMs: clock(), backoffMs: 0 },
    };
    runs.set(runKey, watched);
    return watched;
  }

  function makeDue(watched: Watched): void {
    const nowMs = clock();
    watched.usedMs = nowMs;
    watched.newsMs ??= nowMs;
    watched.dueMs = Math.min(watched.dueMs, Math.max(nowMs, watched.turnMs + TURN_EVERY_MS));
  }

  /** What changed of the rules, and the runs that they look at. */
  async function readRules(): Promise<void> {
    const asked = [...staleProjects];
    // What is told meanwhile is read again.
    staleProjects.clear();
    try {
      if (asked.includes(null)) await readRulesOf(undefined);
      else for (const project of asked) await readRulesOf(project ?? undefined);
    } catch (error) {
      for (const project of asked) staleProjects.add(project);
      throw error;
    }
  }

  async function readRulesOf(project: string | undefined): Promise<void> {
    const found = await findFoldableRules(db, project);
    if (project === undefined) rules.clear();
    else rules.delete(project);
    for (const rule of found) {
      rules.set(rule.project, [...(rules.get(rule.project) ?? []), rule]);
    }
    for (const { runKey } of await findWatchedRuns(db, project)) makeDue(watch(runKey));
    for (const watched of runs.values()) {
      if (project === undefined || watched.folds.project === project) makeDue(watched);
    }
  }

  /** The live run that has waited longest, or any other; null where none is due. */
  function next(): Watched | null {
    const nowMs = clock();
    const wallMs = now().getTime();
    let found: Watched | null = null;
    for (const watched of runs.values()) {
      if (watched.dueMs > nowMs && watched.lookMs > wallMs) continue;
      if (found === null || comesBefore(watched, found)) found = watched;
    }
    return found;
  }

  function nextDueMs(): number {
    const nowMs = clock();
    const wallMs = now().getTime();
    let waitMs = LONGEST_SLEEP_MS;
    for (const { dueMs, lookMs } of runs.values()) {
      waitMs = Math.min(waitMs, dueMs - nowMs, lookMs - wallMs);
    }
    return Math.max(0, waitMs);
  }

  async function take(watched: Watched): Promise<void> {
    const startMs = clock();
    const { folds } = watched;
    const hadNewsMs = watched.newsMs;
    watched.newsMs = null;
    watched.dueMs = Infinity;
    watched.lookMs = Infinity;
    watched.turnMs = startMs;
    try {
      const turn = await folds.turn((project) => rules.get(project) ?? []);
      watched.backoffMs = 0;
      finish(watched, turn);
    } catch (error) {
      watched.newsMs = hadNewsMs;
      watched.backoffMs = Math.min(LONGEST_BACKOFF_MS, watched.backoffMs * 2 || FIRST_BACKOFF_MS);
      watched.dueMs = clock() + watched.backoffMs;
      noteFailure(error);
      const { backoffMs } = watched;
      logger.warn({ error, run: folds.runKey, backoffMs }, 'a run was not looked at for alerts');
    }
    const tookMs = clock() - startMs;
    totals.turns++;
    totals.busySeconds += tookMs / 1000;
    report();
    if (lagMs() < RESTED_BELOW_LAG_MS) await pauses.rest(Math.min(tookMs, LONGEST_REST_MS));
  }

  function finish(watched: Watched, turn: Turn): void {
    if (turn.isGone) {
      runs.delete(watched.folds.runKey);
      return;
    }
    totals.foldedSteps += turn.foldedSteps;
    watched.lookMs = turn.nextLookMs;
    if (turn.hasMore) makeDue(watched);
    // Of runs that nobody hears of there may be thousands: all that is known of it is saved.
    const isQuiet = !watched.isLive && !turn.hasMore && turn.nextLookMs === Infinity;
    if (isQuiet && watched.folds.openCount === 0) runs.delete(watched.folds.runKey);
    for (const change of turn.changes) tell(change);
  }

  function tell(change: IncidentChange): void {
    if (change.change === 'opened') {
      totals.opened++;
      delivery.kick();
    } else totals.closed++;
    reply({ kind: 'incident', live: change });
    // Soon heard: whoever reads the counts next finds it.
    reportedMs = -Infinity;
  }

  /** How long the oldest news has waited. */
  function lagMs(): number {
    const nowMs = clock();
    let oldestMs = nowMs;
    for (const { newsMs } of runs.values()) oldestMs = Math.min(oldestMs, newsMs ?? nowMs);
    return nowMs - oldestMs;
  }

  function noteFailure(error: unknown): void {
    totals.failures++;
    totals.lastFailure = error instanceof Error ? error.message : String(error);
  }

  function report(): void {
    const nowMs = clock();
    if (nowMs - reportedMs < REPORT_EVERY_MS) return;
    reportedMs = nowMs;
    let openIncidents = 0;
    for (const { folds } of runs.values()) openIncidents += folds.openCount;
    const count = [...rules.values()].reduce((sum, { length }) => sum + length, 0);
    const progress: AlertProgress = {
      ...{ rules: count, runs: runs.size, openIncidents, lagMs: lagMs(), ...totals },
      delivery: delivery.status(),
    };
    reply({ kind: 'progress', progress });
  }

  /** Those that nothing was heard of for long, saved. */
  async function forgetIdle(): Promise<void> {
    const nowMs = clock();
    for (const [runKey, watched] of runs) {
      const isIdle = watched.dueMs === Infinity && watched.lookMs === Infinity;
      if (!isIdle || nowMs - watched.usedMs < IDLE_MS) continue;
      await watched.folds.leave();
      runs.delete(runKey);
    }
  }

  async function idle(): Promise<void> {
    report();
    await forgetIdle();
    if (staleProjects.size === 0) await pauses.sleep(nextDueMs());
  }

  async function refresh(): Promise<void> {
    for (let backoffMs = FIRST_BACKOFF_MS; staleProjects.size > 0 && !pauses.isClosed;) {
      try {
        await readRules();
      } catch (error) {
        noteFailure(error);
        logger.warn({ error, backoffMs }, 'alert rules cannot be read; trying again');
        await pauses.rest(backoffMs);
        backoffMs = Math.min(backoffMs * 2, LONGEST_BACKOFF_MS);
      }
    }
  }

  async function leave(): Promise<void> {
    for (const { folds } of runs.values()) {
      try {
        await folds.leave();
      } catch (error) {
        logger.warn({ error, run: folds.runKey }, 'what alert rules looked at is looked at again');
        return;
      }
    }
  }

  async function work(): Promise<void> {
    await refresh();
    reply({ kind: 'ready' });
    while (!pauses.isClosed) {
      await refresh();
      const watched = next();
      if (watched === null) await idle();
      else await take(watched);
    }
  }

  await work();
  await leave();
  await delivery.close();
  await db.close();
  port.close();
}
