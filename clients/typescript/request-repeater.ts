import { LONGEST_WAIT_MS, backoffMs } from './backoff';
import type { Notices } from './notices';
import {
  type Connection,
  type Failure,
  type Outcome,
  type RequestBody,
  describeFailure,
  sendRequest,
} from './send-request';
import type { Waiters } from './waiters';

/** A request over which the server breaks this often is given up, so that later steps pass. */
const MAX_FAULTS = 5;
/**
 * A failure is worth a word from the second in a row: a server closes an idle connection
 * now and then just as a request goes out, and the next try succeeds.
 */
const SAID_FAILURES = 2;

export interface RepeaterDependencies {
  readonly connection: Connection;
  readonly waiters: Waiters;
  readonly notices: Notices;
  readonly random: () => number;
  /** False once nothing is to be sent any more. */
  readonly isRunning: () => boolean;
  /** Told of each failure from the second in a row on. */
  readonly onAway: () => void;
}

/** Sends one request after the other, each until it is done or never will be. */
export class RequestRepeater {
  private failuresInARow = 0;
  private totalRetries = 0;
  private isSaidAway = false;

  constructor(private readonly dependencies: RepeaterDependencies) {}

  /** How often a request had to be repeated, in all. */
  get retryCount(): number {
    return this.totalRetries;
  }

  get isAway(): boolean {
    return this.failuresInARow >= SAID_FAILURES;
  }

  /** `done`, or why it never will be; null when sending was ended meanwhile. Never throws. */
  async send(path: string, body: RequestBody): Promise<Outcome | null> {
    const { connection, waiters, isRunning } = this.dependencies;
    let faultCount = 0;
    while (isRunning()) {
      const outcome = await sendRequest(connection, 'POST', path, body);
      if (!isRunning()) return null;
      if (outcome.kind === 'fault') faultCount += 1;
      const mayRepeat =
        outcome.kind === 'retry' ||
        outcome.kind === 'denied' ||
        (outcome.kind === 'fault' && faultCount < MAX_FAULTS);
      if (!mayRepeat) {
        if (outcome.kind === 'done') this.dependencies.notices.ignored(outcome.ignored);
        this.endFailures(outcome);
        return outcome;
      }
      this.failuresInARow += 1;
      this.totalRetries += 1;
      // The next try with a wrong token is half a minute away: a person should hear of it now.
      if (this.isAway || outcome.kind === 'denied') this.sayAway(outcome);
      if (this.isAway) this.dependencies.onAway();
      await waiters.sleep(this.waitMs(outcome.kind === 'denied', outcome.retryAfterMs));
    }
    return null;
  }

  private sayAway(failure: Failure): void {
    const { notices } = this.dependencies;
    this.isSaidAway = true;
    notices.forget('back');
    // A foreign host is denied too; there the server's own words say what to set.
    const needsToken = failure.kind === 'denied' && failure.code !== 'host_not_allowed';
    const whatToDo = needsToken
      ? '; the client needs a token of scope ingest for this project'
      : '';
    notices.warn('away', `${describeFailure(failure)}; trying again until it works${whatToDo}`);
  }

  private endFailures({ kind }: Outcome): void {
    const { notices } = this.dependencies;
    if (this.isSaidAway && kind === 'done') {
      notices.info('back', `the server answers again after ${this.failuresInARow} tries`);
      notices.forget('away');
      this.isSaidAway = false;
    }
    this.failuresInARow = 0;
  }

  private waitMs(isDenied: boolean, retryAfterMs: number | null): number {
    const { random } = this.dependencies;
    // A token is repaired by a person: no use in asking every second.
    if (isDenied) return LONGEST_WAIT_MS * (0.5 + random() / 2);
    return backoffMs(this.failuresInARow, retryAfterMs, random());
  }
}
