/** A database of its own for a test file: cloned from the migrated template, dropped at the end. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, inject } from 'vitest';
import { openDatabase, type Database } from '@/lib/store/database';
import { createFrameWriter, type FrameWriter } from '@/lib/store/writing/frame-writer';
import type { StoreLogger } from '@/lib/store/store-logger';

export const silentLogger: StoreLogger = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

async function runOnServer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('databaseServerUrl') });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

export interface ClonedDatabase {
  readonly url: string;
  /** Ends what is still connected. */
  readonly drop: () => Promise<void>;
}

export function createTestDatabase(): Promise<ClonedDatabase> {
  return createDatabase(inject('templateDatabase'));
}

/** Without any table. */
export function createEmptyDatabase(): Promise<ClonedDatabase> {
  return createDatabase('template0');
}

async function createDatabase(template: string): Promise<ClonedDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await runOnServer(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  const url = new URL(inject('databaseServerUrl'));
  url.pathname = name;
  return {
    url: url.href,
    drop: () => runOnServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

export interface TestDatabase {
  readonly db: Database;
  readonly url: string;
  readonly writer: FrameWriter;
}

/** To be called at the top of a test file; the fields are there once its tests run. */
export function useDatabase(): TestDatabase {
  let opened: (TestDatabase & ClonedDatabase) | null = null;
  beforeAll(async () => {
    const database = await createTestDatabase();
    opened = {
      ...database,
      db: openDatabase({ url: database.url, maxConnections: 4, logger: silentLogger }),
      writer: createFrameWriter({
        url: database.url,
        logger: silentLogger,
        maxQueuedBytes: 256 * 1024 * 1024,
      }),
    };
  });
  afterAll(async () => {
    await opened?.writer.close();
    await opened?.db.close();
    await opened?.drop();
  });
  const required = (): TestDatabase => {
    if (opened === null) throw new Error('the test database is opened before the first test');
    return opened;
  };
  return {
    get db() {
      return required().db;
    },
    get url() {
      return required().url;
    },
    get writer() {
      return required().writer;
    },
  };
}
