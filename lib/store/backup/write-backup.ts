/**
 * Every table as of one moment into one file, while others write. The rows stream from
 * COPY through gzip to the disk, each waiting for the next.
 */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import {
  BACKUP_FORMAT,
  BACKUP_VERSION,
  BackupError,
  type BackupHead,
  END_OF_FRAMES,
  frameOf,
  jsonFrame,
} from './backup-format';

/** float32 gives a third at any level; higher ones take several times as long for it. */
const GZIP_LEVEL = 1;

export interface BackupProgress {
  readonly table: string;
  readonly sizeBytes: number;
}

export interface BackupOptions {
  readonly url: string;
  readonly path: string;
  readonly now: () => Date;
  readonly onProgress?: (progress: BackupProgress) => void;
}

/** Writes `path` whole or not at all. Returns how many rows each table had. */
export async function writeBackup(
  options: BackupOptions,
): Promise<Readonly<Record<string, number>>> {
  const client = new pg.Client({
    connectionString: options.url,
    application_name: 'spikescope backup',
  });
  // One that breaks fails the query at hand.
  client.on('error', () => undefined);
  await client.connect();
  const unfinished = `${options.path}.unfinished`;
  const rows: Record<string, number> = {};
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const head = await describe(client, options.now());
    await pipeline(
      Readable.from(framesOf(client, head, rows, options), { highWaterMark: 1 }),
      createGzip({ level: GZIP_LEVEL }),
      createWriteStream(unfinished, { mode: 0o600 }),
    );
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
  const file = await open(unfinished, 'r+');
  await file.sync();
  await file.close();
  await rename(unfinished, options.path);
  return rows;
}

/** Throws BackupError for a database without tables. */
async function describe(client: pg.Client, now: Date): Promise<BackupHead> {
  const { rows: history } = await client.query<{ exists: boolean }>(
    `SELECT to_regclass('public._prisma_migrations') IS NOT NULL AS exists`,
  );
  if (history[0]?.exists !== true) {
    throw new BackupError('there is nothing to back up: the database has no tables yet');
  }
  const { rows: migrations } = await client.query<{ name: string }>(
    `SELECT migration_name AS name FROM _prisma_migrations
     WHERE rolled_back_at IS NULL AND finished_at IS NOT NULL ORDER BY 1`,
  );
  const { rows: tables } = await client.query<{ name: string; columns: string[] }>(
    `SELECT relname AS name, array_agg(attname::text ORDER BY attnum) AS columns
     FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
       AND NOT attisdropped AND attgenerated = ''
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
       AND relname <> '_prisma_migrations'
     GROUP BY relname ORDER BY relname`,
  );
  return {
    format: BACKUP_FORMAT,
    version: BACKUP_VERSION,
    createdAt: now.toISOString(),
    migrations: migrations.map(({ name }) => name),
    tables,
  };
}

async function* framesOf(
  client: pg.Client,
  head: BackupHead,
  rows: Record<string, number>,
  { onProgress }: BackupOptions,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  const hashed = (bytes: Buffer): Buffer => {
    hash.update(bytes);
    return bytes;
  };
  yield hashed(jsonFrame(head));
  for (const { name, columns } of head.tables) {
    const copy = client.query(copyTo(copySql(name, columns, 'TO STDOUT')));
    let sizeBytes = 0;
    for await (const chunk of copy) {
      if (!Buffer.isBuffer(chunk)) throw new Error('a COPY sends bytes');
      if (chunk.length > 0) yield hashed(frameOf(chunk));
      sizeBytes += chunk.length;
      onProgress?.({ table: name, sizeBytes });
    }
    yield hashed(END_OF_FRAMES);
    rows[name] = copy.rowCount;
  }
  yield jsonFrame({ sha256: hash.digest('hex'), rows });
}

export function copySql(
  table: string,
  columns: readonly string[],
  direction: 'TO STDOUT' | 'FROM STDIN',
): string {
  const list = columns.map((column) => pg.escapeIdentifier(column)).join(', ');
  return `COPY ${pg.escapeIdentifier(table)} (${list}) ${direction} (FORMAT binary)`;
}
