/**
 * `npm run token`: creates, lists and revokes the tokens that a product with
 * SPIKESCOPE_REQUIRE_TOKENS asks for. Works on the database of the product that runs on
 * this data directory, or starts it for a moment while none runs.
 */
import { openDatabase } from '../../../lib/store/database';
import { applyMigrations } from '../../../lib/store/migrations/migrate';
import {
  parseTokenCommand,
  runTokenCommand,
  TokenUsageError,
  type TokenCommand,
} from '../token-command';
import { MIGRATIONS, reachProduct, say, toSentence } from './reach-product';

async function run(command: TokenCommand): Promise<number> {
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

try {
  process.exitCode = await run(parseTokenCommand(process.argv.slice(2)));
} catch (error) {
  const isOfWords = error instanceof TokenUsageError;
  const sentence = isOfWords ? error.message : toSentence(error);
  if (sentence === null) throw error;
  say(sentence);
  process.exitCode = isOfWords ? 2 : 1;
}
// Everything is closed, but the migration engine leaves a timer of ten seconds behind.
process.exit();
