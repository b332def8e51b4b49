/** The door to Postgres for everything but the hot writes: Prisma for metadata, COPY for columns. */
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { CopyOut, type CopyRow } from './copy-binary';
import { PrismaClient } from './generated/client';
import type { StoreLogger } from './store-logger';

export interface DatabaseOptions {
  readonly url: string;
  /** Shared by Prisma and COPY; the frame writer has one of its own beside them. */
  readonly maxConnections: number;
  readonly logger?: StoreLogger;
}

export interface Database {
  readonly prisma: PrismaClient;
  readonly pool: pg.Pool;
  /**
   * Streams the rows of a SELECT in binary form. The row is valid during the call alone.
   * COPY takes no parameters: build `selectSql` from numbers and keys of our own only.
   */
  copyRows(selectSql: string, onRow: (row: CopyRow) => void): Promise<number>;
  /** Throws when the database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** A reader that waits longer for a connection than this gets an error rather than a hanging page. */
const CONNECTION_TIMEOUT_MS = 10_000;

/** Opens lazily: the first query connects. */
export function openDatabase({ url, maxConnections, logger }: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    idleTimeoutMillis: 30_000,
    application_name: 'spikescope',
  });
  // An idle connection that breaks is replaced by the pool; unheard, the event would end the process.
  pool.on('error', (error) => logger?.warn({ error }, 'an idle database connection was lost'));
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  return {
    prisma,
    pool,
    async copyRows(selectSql, onRow) {
      const client = await pool.connect();
      const copy = new CopyOut(selectSql, onRow);
      let failure: Error | undefined;
      try {
        await client.query(copy).done;
        return copy.rowCount;
      } catch (error) {
        failure = error instanceof Error ? error : new Error(String(error));
        throw error;
      } finally {
        // After a failure the connection may be in any state: it is closed, not reused.
        client.release(failure);
      }
    },
    async ping() {
      await pool.query('SELECT 1');
    },
    async close() {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}
