/**
 * The compaction thread's side of the conversation: one unit after the other, for as long as
 * any attempt is due. While little is behind, it rests after each unit as long as that took,
 * so that a machine of few cores acknowledges posts as fast as without it. Old blocks are
 * rounded while nothing is due, and once an hour what policies do not keep is let go.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Compactor, RoundingTask } from '../../lib/store/compaction/compactor';
import type { Released } from '../../lib/store/retention/retain-run';
import { AttemptSchedule, type ScheduleTotals, type Turn } from './attempt-schedule';
import { Pauses } from '../threads/pauses';
import { collectGarbage } from '../threads/collect-garbage';
import { type LogLevel, type LogReply, type ReadyReply, toLogReply } from '../threads/thread-log';
import type { CompactionProgress, CompactionReply, CompactionRequest } from './thread-messages';

/** A second of the highest load measured: more than this is behind, and rests no more. */
const RESTED_BELOW_BYTES = 64 * 1024 * 1024;
const LONGEST_REST_MS = 200;
/** After so long without work the buffers are given back: a live run has a unit more often. */
const IDLE_MS = 60_000;
/** Ages are days: nobody sees a quarter of an hour. */
const ROUNDING_LOOK_MS = 15 * 60_000;
/** Ages are days, and a look reads the steps of every run that has a policy. */
const RETENTION_LOOK_MS = 60 * 60_000;
const FIRST_START_DELAY_MS = 500;
const LONGEST_START_DELAY_MS = 10_000;

type Totals = {
  -readonly [
    Name in Exclude<keyof CompactionProgress, keyof ScheduleTotals>
  ]: CompactionProgress[Name];
};

export interface CompactionService {
  /** Resolves once the thread was asked to close and has finished its unit. */
  readonly closed: Promise<void>;
}

/** Serves until it is asked to close. */
export function serveCompaction(
  port: MessagePort,
  createCompactor: (log: (level: LogLevel, fields: object, message: string) => void) => Compactor,
  clock: () => number = () => performance.now(),
  wallClock: () => Date = () => new Date(),
): CompactionService {
  const schedule = new AttemptSchedule();
  const compactor = createCompactor(log);
  const pauses = new Pauses(clock);
  let roundable: RoundingTask[] = [];
  let nextLookMs = 0;
  let retaining: AsyncGenerator<Released | null, void> | null = null;
  let nextRetentionMs = 0;
  const totals: Totals = {
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

  function reply(message: CompactionReply | ReadyReply | LogReply): void {
    port.postMessage(message);
  }

  function log(level: LogLevel, fields: object, message: string): void {
    reply(toLogReply(level, fields, message));
  }

  function report(): void {
    const progress: CompactionProgress = { ...schedule.totals(), ...totals };
    reply({ kind: 'progress', progress });
  }

  port.on('message', (request: CompactionRequest) => {
    switch (request.kind) {
      case 'stored':
        for (const posts of request.posts) schedule.noteStored(posts, clock());
        break;
      case 'changed': {
        const { runKey, attempts } = request;
        for (const attempt of attempts) schedule.noteChanged({ runKey, attempt }, clock());
        break;
      }
      case 'forget':
        schedule.forget(request.runKey);
        break;
      case 'close':
        pauses.close();
        break;
    }
    pauses.wake();
  });

  /** Until something may be due. */
  async function idle(): Promise<void> {
    const startMs = clock();
    const dueMs = Math.min(schedule.nextDueMs, nextLookMs, nextRetentionMs);
    await pauses.sleep(Math.max(0, Math.min(dueMs - startMs, IDLE_MS)));
    if (pauses.isClosed || schedule.nextDueMs < Infinity || clock() - startMs < IDLE_MS) return;
    compactor.releaseMemory();
    // Two hundred megabytes after a load of 1,000 layers, which would stay until the next one.
    collectGarbage();
    if (schedule.nextDueMs === Infinity) {
      await pauses.sleep(Math.max(0, Math.min(nextLookMs, nextRetentionMs) - clock()));
    }
  }

  async function findWork(): Promise<void> {
    for (let delayMs = FIRST_START_DELAY_MS; !pauses.isClosed;) {
      try {
        const found = await compactor.findHotAttempts();
        for (const { hotRows, hotBytes, ...id } of found) {
          schedule.noteFound(id, hotRows, hotBytes, clock());
        }
        return;
      } catch (error) {
        noteFailure(error);
        log('warn', { error, delayMs }, 'compaction cannot read what is hot; trying again');
        await pauses.rest(delayMs);
        delayMs = Math.min(delayMs * 2, LONGEST_START_DELAY_MS);
      }
    }
  }

  function noteFailure(error: unknown): void {
    totals.failures++;
    totals.lastFailure = error instanceof Error ? error.message : String(error);
  }

  async function take(turn: Turn): Promise<void> {
    const startMs = clock();
    try {
      const unit = await compactor.compact(turn.id, turn.includesLate);
      schedule.noteDone(turn, unit, clock());
      totals.compactedRows += unit.hotRows;
      totals.blocks += unit.blocks;
      totals.rollups += unit.rollups;
      totals.units++;
    } catch (error) {
      noteFailure(error);
      const waitMs = schedule.noteFailed(turn, clock());
      log('warn', { error, ...turn.id, waitMs }, 'an attempt was not compacted; trying again');
    }
    const tookMs = clock() - startMs;
    totals.busySeconds += tookMs / 1000;
    report();
    const isBehind = schedule.dueBytes(clock()) > RESTED_BELOW_BYTES;
    if (!isBehind) await pauses.rest(Math.min(tookMs, LONGEST_REST_MS));
  }

  /** One unit of rounding, if there is any to do; a failure is left for the next look. */
  async function round(): Promise<boolean> {
    const startMs = clock();
    if (roundable.length === 0 && startMs < nextLookMs) return false;
    try {
      if (roundable.length === 0) {
        nextLookMs = startMs + ROUNDING_LOOK_MS;
        roundable = await compactor.findRoundable(wallClock());
        return roundable.length > 0;
      }
      const [task, ...others] = roundable;
      if (task === undefined) return false;
      roundable = others;
      const { hasMore, blocks } = await compactor.round(task);
      if (hasMore) roundable.push(task);
      totals.roundedBlocks += blocks;
    } catch (error) {
      noteFailure(error);
      log('warn', { error }, 'old blocks were not rounded; trying again later');
    }
    const tookMs = clock() - startMs;
    totals.busySeconds += tookMs / 1000;
    report();
    await pauses.rest(Math.min(tookMs, LONGEST_REST_MS));
    return true;
  }

  /** One batch of retention, if there is any to do; a failure is left for the next look. */
  async function retain(): Promise<boolean> {
    const startMs = clock();
    if (retaining === null && startMs < nextRetentionMs) return false;
    try {
      if (retaining === null) nextRetentionMs = startMs + RETENTION_LOOK_MS;
      retaining ??= compactor.retain(wallClock());
      const { value: released, done } = await retaining.next();
      if (done === true) retaining = null;
      else if (released !== null) {
        totals.releasedRows += released.rows;
        totals.releasedBytes += released.sizeBytes;
      }
    } catch (error) {
      retaining = null;
      noteFailure(error);
      log('warn', { error }, 'old values were not let go; trying again later');
    }
    const tookMs = clock() - startMs;
    totals.busySeconds += tookMs / 1000;
    report();
    await pauses.rest(Math.min(tookMs, LONGEST_REST_MS));
    return true;
  }

  async function run(): Promise<void> {
    await findWork();
    report();
    reply({ kind: 'ready' });
    while (!pauses.isClosed) {
      const turn = schedule.next(clock());
      if (turn !== null) await take(turn);
      else if (!(await round()) && !(await retain())) await idle();
    }
    await compactor.close();
    port.close();
  }

  return { closed: run() };
}
