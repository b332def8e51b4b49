import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect, inject, it } from 'vitest';
import { applyMigrations, EXTERNAL_TABLES, withSchemaEngine } from '@/lib/store/migrations/migrate';
import { useDatabase } from '@/tests/database';

const database = useDatabase();
const directory = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));

it('has nothing to do the second time', async () => {
  expect(await applyMigrations({ url: database.url, directory })).toEqual([]);
});

it('makes tables where they belong for a user that is named as the schema of views', async () => {
  const { rows } = await database.db.pool.query(
    `SELECT current_user AS name, relname FROM pg_namespace
     LEFT JOIN pg_class ON relnamespace = pg_namespace.oid AND relkind = 'r'
     WHERE nspname = 'spikescope'`,
  );
  expect(rows).toEqual([{ name: 'spikescope', relname: null }]);
});

/** Every column and index, told so that two databases can be compared. */
async function describeTables(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ line: string }>(
      `SELECT concat_ws(' ', table_name, column_name, udt_name, is_nullable, datetime_precision, column_default) AS line
       FROM information_schema.columns WHERE table_schema = 'public'
       UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1`,
    );
    return rows.map(({ line }) => line);
  } finally {
    await client.end();
  }
}

it('builds what schema.prisma says, and prisma.config.ts leaves the rest alone', async () => {
  const file = fileURLToPath(new URL('../../../../prisma/schema.prisma', import.meta.url));
  const files = [{ path: 'schema.prisma', content: await readFile(file, 'utf8') }];
  const { stdout } = await withSchemaEngine(database.url, (engine) =>
    engine.diff({
      from: { tag: 'empty' },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: null,
      filters: { externalTables: [...EXTERNAL_TABLES], externalEnums: [] },
    }),
  );
  const admin = new pg.Client({ connectionString: inject('databaseServerUrl') });
  await admin.connect();
  const url = new URL(database.url);
  url.pathname = `${url.pathname}_from_schema`;
  const name = url.pathname.slice(1);
  try {
    await admin.query(`CREATE DATABASE ${name}`);
    const fresh = new pg.Client({ connectionString: url.href });
    await fresh.connect();
    await fresh.query(stdout ?? '');
    await fresh.end();
    const external = EXTERNAL_TABLES.map((table) => table.replace('public.', ''));
    const isOurs = (line: string) =>
      ![...external, '_prisma_migrations'].some(
        (table) => line.startsWith(`${table} `) || line.includes(` ON public.${table} `),
      );
    expect((await describeTables(database.url)).filter(isOurs)).toEqual(
      await describeTables(url.href),
    );
  } finally {
    await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await admin.end();
  }
  const config = await readFile(path.join(path.dirname(file), '..', 'prisma.config.ts'), 'utf8');
  const inConfig = Array.from(config.matchAll(/'(public\.\w+)'/g), ([, table]) => table);
  expect(inConfig).toEqual(EXTERNAL_TABLES);
});

it('applies what is new, in order of name, and says so', async () => {
  const copy = await mkdtemp(path.join(tmpdir(), 'spikescope-migrations-'));
  try {
    await cp(directory, copy, { recursive: true });
    for (const [name, sql] of [
      ['99990102000000_second', 'ALTER TABLE later ADD COLUMN two int'],
      ['99990101000000_first', 'CREATE TABLE later (one int)'],
    ] as const) {
      await mkdir(path.join(copy, name));
      await writeFile(path.join(copy, name, 'migration.sql'), `${sql};\n`);
    }
    const names = await applyMigrations({ url: database.url, directory: copy });
    expect(names).toEqual(['99990101000000_first', '99990102000000_second']);
    expect((await database.db.pool.query('SELECT one, two FROM later')).rows).toEqual([]);
  } finally {
    await rm(copy, { recursive: true });
  }
});

it('says what is wrong with a migration that fails', async () => {
  const copy = await mkdtemp(path.join(tmpdir(), 'spikescope-migrations-'));
  const admin = new pg.Client({ connectionString: inject('databaseServerUrl') });
  await admin.connect();
  const name = `broken_${path.basename(copy).slice(-6).toLowerCase()}`;
  try {
    await admin.query(`CREATE DATABASE "${name}"`);
    const url = new URL(database.url);
    url.pathname = name;
    await cp(path.join(directory, 'migration_lock.toml'), path.join(copy, 'migration_lock.toml'));
    await mkdir(path.join(copy, '0_broken'));
    await writeFile(path.join(copy, '0_broken', 'migration.sql'), 'CREATE TABEL x ();');
    await expect(applyMigrations({ url: url.href, directory: copy })).rejects.toThrow(/TABEL/);
  } finally {
    await admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    await admin.end();
    await rm(copy, { recursive: true });
  }
});

it('keeps large values out of line and uncompressed, and no sequence, trigger or foreign key', async () => {
  const { db } = database;
  const storage = await db.pool.query(
    `SELECT attrelid::regclass::text || '.' || attname AS name FROM pg_attribute
     WHERE attstorage = 'e' AND attrelid IN ('hot_frame'::regclass, 'histogram_frame'::regclass)
     ORDER BY 1`,
  );
  expect(storage.rows.map(({ name }) => name)).toEqual([
    'histogram_frame.counts',
    'histogram_frame.outside',
    'hot_frame.values',
  ]);
  const forbidden = await db.pool.query(
    `SELECT relname FROM pg_class WHERE relkind = 'S'
     UNION ALL SELECT tgname FROM pg_trigger WHERE NOT tgisinternal
     UNION ALL SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace`,
  );
  expect(forbidden.rows).toEqual([]);
});

// What may be about a run and need not, as an alert rule, belongs to its project.
it('begins every key of a run’s tables with the run', async () => {
  const { rows } = await database.db.pool.query(
    `SELECT indrelid::regclass::text AS table, attname AS first_column
     FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
     WHERE (indisprimary OR indisunique) AND indrelid::regclass::text IN
       (SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'run'
          AND is_nullable = 'NO')`,
  );
  expect(rows.length).toBeGreaterThan(10);
  expect(new Set(rows.map(({ first_column }) => first_column))).toEqual(new Set(['run']));
});
