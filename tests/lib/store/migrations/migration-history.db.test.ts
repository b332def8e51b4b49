import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyMigrations } from '@/lib/store/migrations/migrate';
import { MigrationHistoryError } from '@/lib/store/migrations/migration-history';
import { type ClonedDatabase, createEmptyDatabase, createTestDatabase } from '@/tests/database';

const released = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));
let database: ClonedDatabase;
let directory: string;

beforeEach(async () => {
  database = await createEmptyDatabase();
  directory = await mkdtemp(path.join(tmpdir(), 'spikescope-migrations-'));
  await cp(path.join(released, 'migration_lock.toml'), path.join(directory, 'migration_lock.toml'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
  await database.drop();
});

async function add(name: string, sql: string): Promise<void> {
  await mkdir(path.join(directory, name), { recursive: true });
  await writeFile(path.join(directory, name, 'migration.sql'), sql);
}

async function query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

const migrate = () => applyMigrations({ url: database.url, directory });
const tables = async () => {
  const rows = await query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
     AND relname <> '_prisma_migrations' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
};

describe('a database that a newer version has used', () => {
  it('is refused by the version before, untouched, with what to do', async () => {
    await add('1_first', 'CREATE TABLE one (id int);');
    await add('2_newer', 'CREATE TABLE two (id int);');
    await migrate();
    await rm(path.join(directory, '2_newer'), { recursive: true });
    await add('3_own', 'CREATE TABLE three (id int);');
    const refusal = migrate();
    await expect(refusal).rejects.toThrow(MigrationHistoryError);
    await expect(refusal).rejects.toThrow(
      /used by a newer Spikescope.*migration 2_newer is not known here.*Start the newer version again, restore a backup.*Nothing was changed/,
    );
    expect(await tables()).toEqual(['one', 'two']);
    await add('2_newer', 'CREATE TABLE two (id int);');
    expect(await migrate()).toEqual(['3_own']);
  });

  it('is refused also where all that this version knows is applied', async () => {
    const whole = await createTestDatabase();
    try {
      const client = new pg.Client({ connectionString: whole.url });
      await client.connect();
      await client.query(
        `INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
         SELECT 'new' || day, 'x', now(), '2099010' || day || '000000_later', now(), 1 FROM generate_series(1, 3) AS day`,
      );
      await client.end();
      await expect(applyMigrations({ url: whole.url, directory: released })).rejects.toThrow(
        /migration 20990101000000_later \(and 2 more\) is not known here/,
      );
    } finally {
      await whole.drop();
    }
  });

  it('is let through when the newer migration was withdrawn', async () => {
    await add('1_first', 'CREATE TABLE one (id int);');
    await add('2_newer', 'CREATE TABLE two (id int);');
    await migrate();
    await rm(path.join(directory, '2_newer'), { recursive: true });
    await query(
      `UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '2_newer'`,
    );
    expect(await migrate()).toEqual([]);
  });
});

describe('a migration that does not come to its end', () => {
  it('leaves nothing behind, says why, and is tried again by the next start', async () => {
    await add('1_first', 'CREATE TABLE one (id int);');
    await add(
      '2_broken',
      'CREATE TABLE two (id int);\n-- then; fails\nCREATE TABEL three (id int);',
    );
    await expect(migrate()).rejects.toThrow(/TABEL/);
    expect(await tables()).toEqual(['one']);
    await expect(migrate()).rejects.toThrow(/TABEL/);
    await add('2_broken', 'CREATE TABLE two (id int);');
    expect(await migrate()).toEqual(['2_broken']);
    expect(await tables()).toEqual(['one', 'two']);
  });

  it('is applied by the next start when the server was lost in the middle of it', async () => {
    await add('1_first', 'CREATE TABLE one (id int); SELECT pg_sleep(60);');
    const lost = expect(migrate()).rejects.toThrow();
    for (;;) {
      const ended = await query<{ pid: number }>(
        `SELECT pg_terminate_backend(pid), pid FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE '%pg_sleep(60)%' AND wait_event = 'PgSleep' AND pid <> pg_backend_pid()`,
      );
      if (ended.length > 0) break;
    }
    await lost;
    expect(await tables()).toEqual([]);
    await add('1_first', 'CREATE TABLE one (id int);');
    expect(await migrate()).toEqual(['1_first']);
    expect(await tables()).toEqual(['one']);
  });

  it('is not applied twice when it was lost after its own end', async () => {
    await add('1_first', 'CREATE TABLE one (id int); INSERT INTO one VALUES (7);');
    await migrate();
    await query('UPDATE _prisma_migrations SET finished_at = NULL, applied_steps_count = 0');
    await add('2_second', 'CREATE TABLE two (id int);');
    expect(await migrate()).toEqual(['2_second']);
    expect(await query('SELECT id FROM one')).toEqual([{ id: 7 }]);
    expect(await migrate()).toEqual([]);
  });

  it('is refused where nothing says how far it came', async () => {
    await add('1_first', 'CREATE TABLE one (id int);');
    await migrate();
    await query('UPDATE _prisma_migrations SET finished_at = NULL');
    await query('COMMENT ON TABLE _prisma_migrations IS NULL');
    await expect(migrate()).rejects.toThrow(
      /broken off inside migration 1_first.*Restore the backup/,
    );
  });
});

it('lets two starts on one database take turns', async () => {
  await add('1_first', 'CREATE TABLE one (id int); SELECT pg_sleep(0.2);');
  const applied = await Promise.all([migrate(), migrate(), migrate()]);
  expect(applied.flat()).toEqual(['1_first']);
});
