/** The one connection that writes frames: opened when needed, reopened with growing patience. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { StoreLogger } from './store-logger';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5000;
/** A statement that takes longer than this is a server in trouble: better an error than a silent queue. */
const STATEMENT_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 5000;

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

/**
 * The server cannot be reached or turns us away: connection failures (08), a server that
 * starts, stops (57P) or is full (53), or a socket that broke.
 */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error);
  if (/^(?:08...|57P0.|53...)$/.test(code)) return true;
  // Node's own codes: ECONNREFUSED, ECONNRESET, EPIPE, ETIMEDOUT, ENOTFOUND.
  if (/^E[A-Z]+$/.test(code)) return true;
  return code === '' && error instanceof Error && /connection|not queryable/i.test(error.message);
}

/**
 * Failures that may be gone a moment later and say nothing about the frames: a lost
 * connection, an internal error of a distributed server (XX000, which is also how it
 * reports violations), a deadlock or a serialization failure (40).
 */
export function isTransient(error: unknown): boolean {
  return isConnectionLost(error) || /^(?:XX000|40...)$/.test(codeOf(error));
}

export class WriterConnection {
  #client: pg.Client | null = null;
  #isBroken = false;
  #reconnecting: Promise<void> | null = null;
  readonly #closing = new AbortController();

  constructor(
    private readonly url: string,
    private readonly logger: StoreLogger,
  ) {}

  /** False between a lost connection and the next one; true before the first use. */
  get isConnected(): boolean {
    return !this.#isBroken;
  }

  /** The open client, connecting once if there is none. */
  async client(): Promise<pg.Client> {
    if (this.#client !== null) return this.#client;
    const client = new pg.Client({
      connectionString: this.url,
      application_name: 'spikescope writer',
      statement_timeout: STATEMENT_TIMEOUT_MS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    });
    const drop = (): void => {
      if (this.#client === client) this.#client = null;
    };
    client.on('error', drop);
    client.on('end', drop);
    try {
      await client.connect();
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.#client = client;
    this.#isBroken = false;
    return client;
  }

  /** Gives the client up, whatever state it is in. */
  async discard(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => undefined);
  }

  /** From now on writes are refused; connects again in the background until it works. */
  breakDown(): void {
    this.#isBroken = true;
    this.#reconnecting ??= this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    const { signal } = this.#closing;
    const isClosing = (): boolean => signal.aborted;
    for (
      let waitMs = FIRST_DELAY_MS;
      !isClosing();
      waitMs = Math.min(waitMs * 2, LONGEST_DELAY_MS)
    ) {
      try {
        await delay(waitMs, undefined, { signal });
        await this.client();
        this.#reconnecting = null;
        this.logger.info({}, 'the writer is connected to the database again');
        return;
      } catch (error) {
        if (!isClosing()) this.logger.warn({ error, waitMs }, 'the database cannot be reached');
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#reconnecting;
    await this.discard();
  }
}
