import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { applyMigrations } from '@/lib/store/migrations/migrate';
import { UnfitDatabaseError } from '@/lib/store/migrations/database-requirements';

const directory = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));
const suffix = randomUUID().slice(0, 8);
const role = `guest_${suffix}`;

let admin: pg.Client;
let name: string;

beforeAll(async () => {
  admin = new pg.Client({ connectionString: inject('databaseServerUrl') });
  await admin.connect();
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
});
beforeEach(() => {
  name = `unfit_${randomUUID().replaceAll('-', '')}`;
});
afterEach(() => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
afterAll(async () => {
  await admin.query(`DROP ROLE ${role}`);
  await admin.end();
});

function asGuest(): string {
  const url = new URL(inject('databaseServerUrl'));
  url.username = role;
  url.password = 'secret';
  url.pathname = name;
  return url.href;
}

const migrate = () => applyMigrations({ url: asGuest(), directory });

async function expectUnfit(words: string): Promise<void> {
  const outcome = await migrate().catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(UnfitDatabaseError);
  expect(String(outcome)).toContain(words);
  expect(String(outcome)).not.toContain('sql_schema_connector');
}

describe('a database of one’s own', () => {
  it('is taken from an ordinary user who owns it', async () => {
    await admin.query(`CREATE DATABASE ${name} OWNER ${role}`);
    expect(await migrate()).not.toEqual([]);
  });

  it('is refused where its user may make no tables, in words that let them', async () => {
    await admin.query(`CREATE DATABASE ${name}`);
    await expectUnfit(`GRANT CREATE ON SCHEMA public TO "${role}"`);
  });

  it('is refused where its user may make no schema', async () => {
    await admin.query(`CREATE DATABASE ${name}`);
    const url = new URL(inject('databaseServerUrl'));
    url.pathname = name;
    const owner = new pg.Client({ connectionString: url.href });
    await owner.connect();
    await owner.query(`GRANT ALL ON SCHEMA public TO ${role}`);
    await owner.end();
    await expectUnfit(`GRANT CREATE ON DATABASE "${name}" TO "${role}"`);
  });

  it('needs no rights to make anything once all is made', async () => {
    await admin.query(`CREATE DATABASE ${name} OWNER ${role}`);
    await migrate();
    await admin.query(`ALTER DATABASE ${name} OWNER TO CURRENT_USER`);
    expect(await migrate()).toEqual([]);
  });

  it.each(['LATIN1', 'SQL_ASCII'])('is refused in the encoding %s', async (encoding) => {
    await admin.query(
      `CREATE DATABASE ${name} OWNER ${role} ENCODING ${encoding} LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    );
    await expectUnfit(`its encoding is ${encoding}`);
  });

  it('is refused where it can only be read', async () => {
    await admin.query(`CREATE DATABASE ${name} OWNER ${role}`);
    await admin.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await expectUnfit('default_transaction_read_only is on');
  });

  it('is refused where its user does not look into the schema public', async () => {
    await admin.query(`CREATE DATABASE ${name} OWNER ${role}`);
    await admin.query(`ALTER ROLE ${role} IN DATABASE ${name} SET search_path TO elsewhere`);
    await expectUnfit(`ALTER ROLE "${role}" SET search_path TO public`);
  });

  it('is refused with fewer connections than the product takes', async () => {
    await admin.query(`CREATE DATABASE ${name} OWNER ${role} CONNECTION LIMIT 22`);
    await expectUnfit(`admits 22 connections of ${role}`);
    await admin.query(`ALTER DATABASE ${name} CONNECTION LIMIT 23`);
    expect(await migrate()).not.toEqual([]);
  });
});
