import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyMigrations } from '@/lib/store/migrations/migrate';
import { checkDatabase, UnfitDatabaseError } from '@/lib/store/migrations/database-requirements';
import { type ClonedDatabase, createEmptyDatabase } from '@/tests/database';
import { type ConnectionPool, startConnectionPool } from './connection-pool';

const directory = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));

let database: ClonedDatabase;
let pool: ConnectionPool | null = null;

beforeEach(async () => {
  database = await createEmptyDatabase();
});
afterEach(async () => {
  await pool?.close();
  pool = null;
  await database.drop();
});

async function through(options: Parameters<typeof startConnectionPool>[1]): Promise<string> {
  pool = await startConnectionPool(database.url, options);
  return pool.url;
}

describe('a database behind a pool', () => {
  it('is taken where the pool lends connections for sessions', async () => {
    const url = await through({ mode: 'session', size: 4 });
    expect(await applyMigrations({ url, directory })).not.toEqual([]);
    expect(await applyMigrations({ url, directory })).toEqual([]);
  });

  it('is refused where the pool lends them for transactions, before anything is made', async () => {
    const url = await through({ mode: 'transaction', size: 4 });
    const outcome = await applyMigrations({ url, directory }).catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(UnfitDatabaseError);
    expect(String(outcome)).toContain('pool_mode = session');
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query(`SELECT FROM pg_tables WHERE schemaname = 'public'`);
    await client.end();
    expect(rows).toEqual([]);
  });

  it('is refused where the pool has no second connection to lend, and does not wait for ever', async () => {
    const url = await through({ mode: 'session', size: 1 });
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const outcome = await checkDatabase({ url, client, lendingMs: 200 }).catch(
      (error: unknown) => error,
    );
    await client.end();
    expect(outcome).toBeInstanceOf(UnfitDatabaseError);
    expect(String(outcome)).toContain('default_pool_size');
  });
});
