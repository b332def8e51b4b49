import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { describeConnectionFailure, isPassing } from '../../lib/store/postgres/connection-failure';

const CONNECT_TIMEOUT_MS = 5000;
const RETRY_MS = 1000;

export interface WaitForDatabaseOptions {
  readonly patienceMs: number;
  readonly signal?: AbortSignal;
  /** Told once, when the first attempt has failed. */
  readonly onWait?: (why: string) => void;
}

/**
 * Resolves when the server lets us in, or when it is no longer waited for.
 *
 * Throws  at once what only people can mend, such as a wrong password; whatever else the last
 *         attempt failed of when patience is over; in words that say what to do
 */
export async function waitForDatabase(
  url: string,
  { patienceMs, signal, onWait }: WaitForDatabaseOptions,
): Promise<void> {
  const startedAt = performance.now();
  for (let attempt = 1; signal?.aborted !== true; attempt += 1) {
    try {
      await tryToConnect(url);
      return;
    } catch (error) {
      const why = describeConnectionFailure(error);
      const isOver = performance.now() - startedAt >= patienceMs;
      if (isOver || !isPassing(error)) throw new Error(why, { cause: error });
      if (attempt === 1) onWait?.(why);
    }
    await delay(RETRY_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

async function tryToConnect(url: string): Promise<void> {
  // What the worker's own connections ask for, so that a pool that refuses it does so now.
  const client = new pg.Client({
    connectionString: url,
    application_name: 'spikescope start',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: CONNECT_TIMEOUT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end().catch(() => undefined);
  }
}
