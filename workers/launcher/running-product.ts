import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** What a running launcher tells the tools beside it (`npm run token`), in its data directory. */
const runningProductSchema = z.object({
  pid: z.int(),
  url: z.string(),
  databaseUrl: z.string(),
});
export type RunningProduct = z.infer<typeof runningProductSchema>;

const pathIn = (dataDir: string): string => join(dataDir, 'running.json');

/** Readable by its owner alone: the database's URL holds its password. */
export function recordRunningProduct(dataDir: string, product: RunningProduct): void {
  const path = pathIn(dataDir);
  const fresh = `${path}.new`;
  writeFileSync(fresh, `${JSON.stringify(product)}\n`, { mode: 0o600 });
  // The mode above counts only for a file that did not exist.
  chmodSync(fresh, 0o600);
  renameSync(fresh, path);
}

export function forgetRunningProduct(dataDir: string): void {
  rmSync(pathIn(dataDir), { force: true });
}

/** The product that runs on this data directory, or null. */
export function findRunningProduct(dataDir: string): RunningProduct | null {
  let text: string;
  try {
    text = readFileSync(pathIn(dataDir), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  const product = runningProductSchema.safeParse(JSON.parse(text));
  return product.success && isAlive(product.data.pid) ? product.data : null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
