/**
 * A connection that writes: opened when needed, opened again when it is lost. After an
 * outage it counts as connected only when a trial write went through: a server whose disk
 * is full takes connections as if nothing were wrong.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { describeOutage, isOutage } from '../postgres/outage';
import type { StoreLogger } from '../store-logger';

const FIRST_DELAY_MS = 100;
/** Jobs are told to come back after a second: by then it is known again. */
const LONGEST_DELAY_MS = 1000;
/** A statement that takes longer than this is a server in trouble: better an error than a silent queue. */
const STATEMENT_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 5000;

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

/**
 * Failures that may be gone a moment later and say nothing about the frames: an outage, an
 * internal error of a distributed server (XX000, which is also how it reports violations),
 * a deadlock or a serialization failure (40).
 */
export function isTransient(error: unknown): boolean {
  return isOutage(error) || /^(?:XX000|40...)$/.test(codeOf(error));
}

export class WriterConnection {
  #client: pg.Client | null = null;
  #connecting: Promise<pg.Client> | null = null;
  #outage: string | null = null;
  #recovering: Promise<void> | null = null;
  readonly #closing = new AbortController();

  constructor(
    private readonly url: string,
    private readonly logger: StoreLogger,
    /** As the server's list of connections names it. */
    private readonly name = 'spikescope writer',
    /** SQL that writes and leaves nothing behind; run before an outage counts as over. */
    private readonly trialSql: string | null = null,
  ) {}

  /** Why nothing can be written now, in words; null where it can, or has not been tried yet. */
  get outage(): string | null {
    return this.#outage;
  }

  /** The open client, connecting once if there is none. */
  client(): Promise<pg.Client> {
    if (this.#client !== null) return Promise.resolve(this.#client);
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #connect(): Promise<pg.Client> {
    const client = await this.#open(this.name);
    const drop = (): void => {
      if (this.#client !== client) return;
      this.#client = null;
      if (this.trialSql !== null) this.#noticeLoss();
    };
    client.on('error', drop);
    client.on('end', drop);
    this.#client = client;
    return client;
  }

  async #open(name: string): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.url,
      application_name: name,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    });
    // Unheard, the event would end the process; queries under way fail by themselves.
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    return client;
  }

  /** Lost while nothing was being written: a server that is back at once is no outage. */
  #noticeLoss(): void {
    if (this.#closing.signal.aborted) return;
    this.client().catch((error: unknown) => {
      this.breakDown(error);
    });
  }

  /** Gives the client up, whatever state it is in. */
  async discard(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => undefined);
  }

  /** From now on there is an outage; tries in the background until it is over. */
  breakDown(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#outage = describeOutage(error);
    void this.discard();
    this.#recovering ??= this.#recover();
  }

  async #recover(): Promise<void> {
    const { signal } = this.#closing;
    const isClosing = (): boolean => signal.aborted;
    for (
      let waitMs = FIRST_DELAY_MS;
      !isClosing();
      waitMs = Math.min(waitMs * 2, LONGEST_DELAY_MS)
    ) {
      try {
        await delay(waitMs, undefined, { signal });
        await this.#tryToWrite();
        await this.client();
        this.#outage = null;
        this.#recovering = null;
        this.logger.info({}, `${this.name}: the database takes writes again`);
        return;
      } catch (error) {
        if (isClosing()) return;
        this.#outage = describeOutage(error);
        this.logger.warn({ error, waitMs }, `${this.name}: ${this.#outage}`);
      }
    }
  }

  /** On a connection of its own: the writer's may be in the middle of something. */
  async #tryToWrite(): Promise<void> {
    if (this.trialSql === null) return;
    const client = await this.#open(`${this.name}, trial`);
    try {
      await client.query(this.trialSql);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#recovering;
    await this.#connecting?.catch(() => undefined);
    await this.discard();
  }
}
