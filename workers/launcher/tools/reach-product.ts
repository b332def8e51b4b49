/** The database that a tool works on: that of the product that runs on this data directory, or its own. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase, type ProductDatabase } from '../product-database';
import { findRunningProduct } from '../running-product';

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

export async function reachProduct(): Promise<ReachedDatabase> {
  const dataDir = resolve(process.env['SPIKESCOPE_DATA_DIR'] || join(ROOT, '.data'));
  const running = findRunningProduct(dataDir);
  const url = running?.databaseUrl ?? (process.env['DATABASE_URL'] || null);
  return {
    database: await openDatabase({ url, dataDir, print: say }),
    isRunning: running !== null,
  };
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
