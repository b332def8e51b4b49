/**
 * `npm run sql`: one question to the views of docs/sql.md. Works on the database of the
 * product that runs on this data directory, or starts it for a moment while none runs.
 */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { applyMigrations } from '../../../lib/store/migrations/migrate';
import { openDatabase as openProductDatabase } from '../product-database';
import { findRunningProduct } from '../running-product';
import { parseSqlCommand, runSqlCommand, SqlUsageError, type SqlCommand } from '../sql-command';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function run(command: SqlCommand): Promise<void> {
  const dataDir = resolve(process.env['SPIKESCOPE_DATA_DIR'] || join(ROOT, '.data'));
  const url = findRunningProduct(dataDir)?.databaseUrl ?? (process.env['DATABASE_URL'] || null);
  const server = await openProductDatabase({ url, dataDir, print: say });
  try {
    await applyMigrations({ url: server.url, directory: join(ROOT, 'prisma/migrations') });
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    try {
      process.stdout.write(`${await runSqlCommand(client, command)}\n`);
    } finally {
      await client.end();
    }
  } finally {
    await server.stop();
  }
}

try {
  await run(parseSqlCommand(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof SqlUsageError || error instanceof pg.DatabaseError)) throw error;
  say(error.message);
  process.exitCode = error instanceof SqlUsageError ? 2 : 1;
}
// Everything is closed, but the migration engine leaves a timer of ten seconds behind.
process.exit();
