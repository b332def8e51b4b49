/**
 * `npm run sql`: one question to the views of docs/sql.md. Works on the database of the
 * product that runs on this data directory, or starts it for a moment while none runs.
 */
import pg from 'pg';
import { applyMigrations } from '../../../lib/store/migrations/migrate';
import { parseSqlCommand, runSqlCommand, SqlUsageError, type SqlCommand } from '../sql-command';
import { MIGRATIONS, reachProduct, say, toSentence } from './reach-product';

async function run(command: SqlCommand): Promise<void> {
  const { database: server } = await reachProduct();
  try {
    await applyMigrations({ url: server.url, directory: MIGRATIONS });
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    try {
      await print(await runSqlCommand(client, command));
    } finally {
      await client.end();
    }
  } finally {
    await server.stop();
  }
}

/**
 * Waits until all of it is written: a pipe takes 64 kB at a time, and the exit below would
 * cut off the rest. A reader that goes away, as `head` does, has what it wanted.
 */
function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: NodeJS.ErrnoException | null) => {
      if (error == null || error.code === 'EPIPE') resolve();
      else reject(error);
    };
    process.stdout.on('error', settle);
    process.stdout.write(`${text}\n`, settle);
  });
}

try {
  await run(parseSqlCommand(process.argv.slice(2)));
} catch (error) {
  const isOfQuery = error instanceof SqlUsageError || error instanceof pg.DatabaseError;
  const sentence = isOfQuery ? error.message : toSentence(error);
  if (sentence === null) throw error;
  say(sentence);
  process.exitCode = error instanceof SqlUsageError ? 2 : 1;
}
// Everything is closed, but the migration engine leaves a timer of ten seconds behind.
process.exit();
