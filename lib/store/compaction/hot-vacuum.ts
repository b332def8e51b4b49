/**
 * What compaction empties is made free at once, for the next frames. Autovacuum comes too
 * late for that: it looks every ten seconds at best, minutes apart on most servers, and at
 * 70 MB a second its table has then left the shared buffers, is written to disk, and read
 * and written once more to be freed. Vacuumed as it empties, the table stays in memory.
 */
import type pg from 'pg';
import type { StoreLogger } from '../store-logger';
import { WriterConnection } from '../writing/writer-connection';

/**
 * Values of so many bytes that went are worth a pass over the table and its indexes: a
 * second of the highest load, an eighth of the shared buffers.
 */
export const VACUUM_BYTES = 64 * 1024 * 1024;
/**
 * And at least this part of the table: while a reader of an hour keeps what is dead from
 * being freed, passes over ever more of it would cost more than the frames.
 */
const VACUUM_SHARE = 1 / 4;
/** What the file is longer than its rows need goes back to the disk so often, and at rest. */
const TRUNCATE_MS = 60 * 60_000;

/** First with BUFFER_USAGE_LIMIT and SKIP_DATABASE_STATS. */
const POSTGRES_16 = 160_000;

export interface HotVacuumOptions {
  readonly url: string;
  readonly logger: StoreLogger;
  readonly clock?: () => number;
}

/** A connection of its own, since VACUUM takes no part in transactions; opened when needed. */
export class HotVacuum {
  readonly #connection: WriterConnection;
  readonly #logger: StoreLogger;
  readonly #clock: () => number;
  #removedBytes = 0;
  /** What has to be removed for the next pass. */
  #dueBytes = VACUUM_BYTES;
  /** Rows went since the disk last got back what was free. */
  #hasRoom = false;
  #isAtRest = false;
  #truncatedMs: number;
  #running: Promise<void> | null = null;
  #isClosed = false;

  constructor({ url, logger, clock = () => performance.now() }: HotVacuumOptions) {
    this.#connection = new WriterConnection(url, logger, 'spikescope vacuum');
    this.#logger = logger;
    this.#clock = clock;
    this.#truncatedMs = clock();
  }

  /** Hot rows with values of so many bytes are gone for good; never waits, never throws. */
  noteRemoved(sizeBytes: number): void {
    if (sizeBytes === 0) return;
    this.#removedBytes += sizeBytes;
    this.#hasRoom = true;
    this.#start();
  }

  /** There was nothing to remove for long: the disk gets back what was free. */
  noteRest(): void {
    this.#isAtRest = this.#hasRoom;
    this.#start();
  }

  /** A vacuum under way is given up; the server ends it by itself. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connection.close();
    await this.#running;
  }

  #start(): void {
    if (this.#running !== null || this.#isClosed) return;
    if (!this.#isAtRest && this.#removedBytes < this.#dueBytes) return;
    const isAtRest = this.#isAtRest;
    this.#isAtRest = false;
    this.#running = this.#vacuum(isAtRest).finally(() => {
      this.#running = null;
      this.#start();
    });
  }

  async #vacuum(isAtRest: boolean): Promise<void> {
    const nowMs = this.#clock();
    const truncates = isAtRest || nowMs - this.#truncatedMs >= TRUNCATE_MS;
    if (truncates) {
      this.#truncatedMs = nowMs;
      this.#hasRoom = false;
    }
    // Rows that go from here on may be missed.
    this.#removedBytes = 0;
    try {
      const client = await this.#connection.client();
      // After an outage of compaction there may be gigabytes, which take their time.
      await client.query('SET statement_timeout = 0');
      await client.query(vacuumSql(await serverVersion(client), truncates));
      this.#dueBytes = Math.max(VACUUM_BYTES, (await tableBytes(client)) * VACUUM_SHARE);
    } catch (error) {
      await this.#connection.discard();
      if (this.#isClosed) return;
      this.#logger.warn({ error }, 'hot frames were not vacuumed; autovacuum does it later');
    }
    // A process of the server, for what may not be needed again today.
    if (isAtRest) await this.#connection.discard();
  }
}

async function serverVersion(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    `SELECT current_setting('server_version_num')::int AS version`,
  );
  return rows[0]?.version ?? 0;
}

/** With its values, which lie in a table of their own, and without indexes. */
async function tableBytes(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    `SELECT pg_table_size('hot_frame') AS bytes`,
  );
  return Number(rows[0]?.bytes ?? 0);
}

function vacuumSql(version: number, truncates: boolean): string {
  const options = [`TRUNCATE ${truncates ? 'true' : 'false'}`];
  if (version >= POSTGRES_16) {
    // Its ring of 2 MB would write each page to disk again that the next frames need.
    options.push('BUFFER_USAGE_LIMIT 0', 'SKIP_DATABASE_STATS true');
  }
  return `VACUUM (${options.join(', ')}) hot_frame`;
}
