/**
 * Makes a database of a backup: first the whole file is checked, then the tables are built as
 * they were when it was written, filled in one transaction, and brought forward to this
 * version.
 */
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { applyMigrations } from '../migrations/migrate';
import { BackupError, BackupReader, checkBackup, readEnd, readHead } from './backup-format';
import { type BackupProgress, copySql } from './write-backup';

export interface RestoreOptions {
  readonly url: string;
  readonly path: string;
  /** This version's migrations. */
  readonly migrations: string;
  /** Lets what the database holds be removed. */
  readonly replaces: boolean;
  readonly onProgress?: (progress: BackupProgress) => void;
}

/**
 * Returns how many rows each table has now.
 *
 * Throws  BackupError for a file that is damaged, cut off, or newer than this version, and for
 *         a database that holds something unless `replaces`; nothing has changed then
 */
export async function restoreBackup(
  options: RestoreOptions,
): Promise<Readonly<Record<string, number>>> {
  const head = await checkBackup(options.path);
  const known = await readdir(options.migrations);
  const unknown = head.migrations.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new BackupError(
      `the backup was written by a newer Spikescope: migration ${unknown} is not known here`,
    );
  }
  const client = new pg.Client({
    connectionString: options.url,
    application_name: 'spikescope restore',
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    if (!options.replaces && !(await isEmpty(client))) {
      throw new BackupError('the database holds runs already; --replace removes them first');
    }
    await dropAll(client);
    await buildAsOf(options, head.migrations);
    const rows = await fill(client, options);
    await applyMigrations({ url: options.url, directory: options.migrations });
    // Plans are made from statistics, which no backup holds.
    await client.query('ANALYZE');
    return rows;
  } finally {
    await client.end();
  }
}

/** A product that has only been started has tables, but nothing in them. */
async function isEmpty(client: pg.Client): Promise<boolean> {
  for (const table of ['project', 'run', 'token']) {
    const { rows: found } = await client.query<{ exists: boolean }>(
      `SELECT to_regclass($1) IS NOT NULL AS exists`,
      [`public.${table}`],
    );
    if (found[0]?.exists !== true) continue;
    const { rows } = await client.query(`SELECT 1 FROM ${table} LIMIT 1`);
    if (rows.length > 0) return false;
  }
  return true;
}

async function dropAll(client: pg.Client): Promise<void> {
  await client.query('DROP SCHEMA IF EXISTS spikescope CASCADE');
  await client.query('DROP SCHEMA public CASCADE');
  await client.query('CREATE SCHEMA public');
}

/** Applies the migrations that the backup's database had, and none that came later. */
async function buildAsOf(
  { url, migrations }: RestoreOptions,
  names: readonly string[],
): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'spikescope-restore-'));
  try {
    for (const name of names) {
      await cp(path.join(migrations, name), path.join(directory, name), { recursive: true });
    }
    await cp(
      path.join(migrations, 'migration_lock.toml'),
      path.join(directory, 'migration_lock.toml'),
    );
    await applyMigrations({ url, directory });
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function fill(
  client: pg.Client,
  { path: file, onProgress }: RestoreOptions,
): Promise<Readonly<Record<string, number>>> {
  const reader = new BackupReader(file);
  try {
    const { tables } = await readHead(reader);
    await client.query('BEGIN');
    for (const { name, columns } of tables) {
      const frames = framesOfTable(reader, (sizeBytes) => onProgress?.({ table: name, sizeBytes }));
      const copy = client.query(copyFrom(copySql(name, columns, 'FROM STDIN')));
      await pipeline(Readable.from(frames, { highWaterMark: 1 }), copy);
    }
    const { rows } = await readEnd(reader);
    await client.query('COMMIT');
    return rows;
  } finally {
    await reader.close();
  }
}

async function* framesOfTable(
  reader: BackupReader,
  onBytes: (sizeBytes: number) => void,
): AsyncGenerator<Buffer> {
  let sizeBytes = 0;
  for (let frame = await reader.frame(); frame !== null; frame = await reader.frame()) {
    yield frame;
    sizeBytes += frame.length;
    onBytes(sizeBytes);
  }
}
