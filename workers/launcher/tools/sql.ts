/**
 * `npm run sql`: one question to the views of docs/sql.md. Works on the database of the
 * product that runs on this data directory, or starts it for a moment while none runs.
 */
import pg from 'pg';
import { applyMigrations } from '../../../lib/store/migrations/migrate';
import { parseSqlCommand, runSqlCommand } from '../sql-command';
import { MIGRATIONS, reachProduct, say } from './reach-product';
import { runDatabaseTool } from './run-database-tool';

async function run(args: readonly string[]): Promise<number> {
  const command = parseSqlCommand(args);
  const { database: server } = await reachProduct();
  try {
    await applyMigrations({ url: server.url, directory: MIGRATIONS });
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    try {
      process.stdout.write(`${await runSqlCommand(client, command)}\n`);
      return 0;
    } finally {
      await client.end();
    }
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    say(error.message);
    return 1;
  } finally {
    await server.stop();
  }
}

await runDatabaseTool(() => run(process.argv.slice(2)));
