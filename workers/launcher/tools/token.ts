/**
 * `npm run token`: creates, lists and revokes the tokens that a product with
 * SPIKESCOPE_REQUIRE_TOKENS asks for. Works on the database of the product that runs on
 * this data directory, or starts it for a moment while none runs.
 */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../../lib/store/database';
import { applyMigrations } from '../../../lib/store/migrations/migrate';
import { openDatabase as openProductDatabase, type ProductDatabase } from '../product-database';
import { findRunningProduct } from '../running-product';
import {
  parseTokenCommand,
  runTokenCommand,
  TokenUsageError,
  type TokenCommand,
} from '../token-command';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function reachDatabase(): Promise<ProductDatabase> {
  const dataDir = resolve(process.env['SPIKESCOPE_DATA_DIR'] || join(ROOT, '.data'));
  const running = findRunningProduct(dataDir);
  const url = running?.databaseUrl ?? (process.env['DATABASE_URL'] || null);
  return openProductDatabase({ url, dataDir, print: say });
}

async function run(command: TokenCommand): Promise<number> {
  const server = await reachDatabase();
  try {
    await applyMigrations({ url: server.url, directory: join(ROOT, 'prisma/migrations') });
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
  if (!(error instanceof TokenUsageError)) throw error;
  say(error.message);
  process.exitCode = 2;
}
// Everything is closed, but the migration engine leaves a timer of ten seconds behind.
process.exit();
