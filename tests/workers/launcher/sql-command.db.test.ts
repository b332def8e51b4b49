import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { applyMigrations } from '@/lib/store/migrations/migrate';
import { runSqlCommand } from '@/workers/launcher/sql-command';

const directory = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url));
const name = `asked_${randomUUID().replaceAll('-', '')}`;
let admin: pg.Client;
let client: pg.Client;

/** An ordinary user's database on a server whose role for readers somebody else has made. */
beforeAll(async () => {
  admin = new pg.Client({ connectionString: inject('databaseServerUrl') });
  await admin.connect();
  await admin.query(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'`);
  await admin.query(`CREATE DATABASE ${name} OWNER ${name}`);
  const url = new URL(inject('databaseServerUrl'));
  Object.assign(url, { username: name, password: 'secret', pathname: name });
  await applyMigrations({ url: url.href, directory });
  client = new pg.Client({ connectionString: url.href });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
  await admin.query(`DROP ROLE ${name}`);
  await admin.end();
});

const ask = (query: string) => runSqlCommand(client, { query, format: 'csv', timeoutSeconds: 60 });

it('asks as the product’s own user where that is no member of the readers', async () => {
  expect(await ask('SELECT current_user, count(*) FROM runs')).toBe(
    `current_user,count\n${name},0`,
  );
  await expect(ask('CREATE TABLE public.mine ()')).rejects.toThrow('read-only transaction');
});

it('asks as the reader where it is one', async () => {
  await admin.query(`GRANT spikescope_reader TO ${name}`);
  expect(await ask('SELECT current_user')).toBe('current_user\nspikescope_reader');
  await expect(ask('SELECT * FROM public.run')).rejects.toThrow('permission denied');
});
