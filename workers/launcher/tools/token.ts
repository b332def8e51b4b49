/**
 * `npm run token`: creates, lists and revokes the tokens that a product with
 * SPIKESCOPE_REQUIRE_TOKENS asks for. Works on the database of the product that runs on
 * this data directory, or starts it for a moment while none runs.
 */
import { openDatabase } from '../../../lib/store/database';
import { applyMigrations } from '../../../lib/store/migrations/migrate';
import { parseTokenCommand, runTokenCommand } from '../token-command';
import { MIGRATIONS, reachProduct, say } from './reach-product';
import { runDatabaseTool } from './run-database-tool';

async function run(args: readonly string[]): Promise<number> {
  const command = parseTokenCommand(args);
  const { database: server } = await reachProduct();
  try {
    await applyMigrations({ url: server.url, directory: MIGRATIONS });
    const db = openDatabase({ url: server.url, maxConnections: 1 });
    try {
      return await runTokenCommand(command, {
        db,
        now: () => new Date(),
        print: (line) => process.stdout.write(`${line}\n`),
        explain: say,
      });
    } finally {
      await db.close();
    }
  } finally {
    await server.stop();
  }
}

await runDatabaseTool(() => run(process.argv.slice(2)));
