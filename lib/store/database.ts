/** The door to Postgres for everything but the hot writes: Prisma for metadata, COPY for columns. */
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { CopyOut } from './postgres/copy-binary';
import { PrismaClient } from './generated/client';
import { PreparedRead } from './postgres/prepared-read';
import { openReadingSocket } from './postgres/reading-socket';
import { PoolSnapshot, type RowReader, type Snapshot } from './postgres/snapshot';
import type { StoreLogger } from './store-logger';

export interface DatabaseOptions {
  readonly url: string;
  /** Shared by Prisma and COPY; the frame writer has one of its own beside them. */
  readonly maxConnections: number;
  readonly logger?: StoreLogger;
}

export interface Database extends RowReader {
  readonly prisma: PrismaClient;
  readonly pool: pg.Pool;
  /** All that `read` asks of its snapshot is as of one moment. */
  readSnapshot<Result>(read: (snapshot: Snapshot) => Promise<Result>): Promise<Result>;
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
    stream: openReadingSocket,
  });
  // An idle connection that breaks is replaced by the pool; unheard, the event would end the process.
  pool.on('error', (error) => logger?.warn({ error }, 'an idle database connection was lost'));
  // One that breaks between two queries of whoever holds it has no other listener; the next query fails.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  const readRows = async (read: CopyOut | PreparedRead): Promise<number> => {
    const client = await pool.connect();
    let failure: Error | undefined;
    try {
      await client.query(read).done;
      return read.rowCount;
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      // After a failure the connection may be in any state: it is closed, not reused.
      client.release(failure);
    }
  };
  const database: Database = {
    prisma,
    pool,
    readAll: (queries) => readRows(new PreparedRead(queries)),
    copyAll: (queries) => readRows(new CopyOut(queries)),
    copyRows: (sql, onRow) => database.copyAll([{ sql, onRow }]),
    readSnapshot: (read) => PoolSnapshot.during(pool, read),
    async ping() {
      await pool.query('SELECT 1');
    },
    async close() {
      await prisma.$disconnect();
      await pool.end();
    },
  };
  return database;
}
