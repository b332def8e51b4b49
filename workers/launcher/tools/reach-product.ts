/** The database that a tool works on: that of the product that runs on this data directory, or its own. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError, readDatabaseUrl } from '../../../lib/config/config';
import { UnfitDatabaseError } from '../../../lib/store/migrations/database-requirements';
import { MigrationHistoryError } from '../../../lib/store/migrations/migration-history';
import { openDatabase, type ProductDatabase } from '../product-database';
import { describeDatabase } from '../read-settings';
import { findRunningProduct } from '../running-product';
import { waitForDatabase } from '../wait-for-database';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const MIGRATIONS = join(ROOT, 'prisma/migrations');

export const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

export interface ReachedDatabase {
  readonly database: ProductDatabase;
  /** Whether a product works on it now. */
  readonly isRunning: boolean;
}

/** A server that does not let us in; the message is for the person who called the tool. */
class UnreachableError extends Error {}

/** Throws  what `toSentence` knows, where no database can be had */
export async function reachProduct(): Promise<ReachedDatabase> {
  const dataDir = resolve(process.env['SPIKESCOPE_DATA_DIR'] || join(ROOT, '.data'));
  const running = findRunningProduct(dataDir);
  const url = running?.databaseUrl ?? readDatabaseUrl(process.env);
  if (url !== null) {
    await waitForDatabase(url, { patienceMs: 0 }).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new UnreachableError(
        `The database (${describeDatabase(url)}) cannot be reached: ${why}`,
      );
    });
  }
  return {
    database: await openDatabase({ url, dataDir, print: say }),
    isRunning: running !== null,
  };
}

/** What a person can mend, in a sentence; null for anything else. */
export function toSentence(error: unknown): string | null {
  if (error instanceof UnfitDatabaseError || error instanceof MigrationHistoryError) {
    return `The database cannot be used: ${error.message}`;
  }
  return error instanceof UnreachableError || error instanceof ConfigError ? error.message : null;
}

/** Shows how far a tool is, over the line before; a table at a time where nobody watches. */
export function showProgress(): (progress: { table: string; sizeBytes: number }) => void {
  if (!process.stderr.isTTY) return () => undefined;
  let shownMs = 0;
  return ({ table, sizeBytes }) => {
    if (performance.now() - shownMs < 100) return;
    shownMs = performance.now();
    process.stderr.write(`\r\x1b[K${table}: ${(sizeBytes / 1e6).toFixed(1)} MB`);
  };
}
