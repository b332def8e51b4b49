import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Database, openDatabase } from '../../lib/store/database';
import { applyMigrations } from '../../lib/store/migrations/migrate';
import { createRun } from '../../lib/store/runs/create-run';
import { createFrameWriter, type FrameWriter } from '../../lib/store/writing/frame-writer';
import { startEmbeddedPostgres } from '../../workers/launcher/embedded-postgres';
import { logger } from './store-logger';

export interface BenchStore {
  readonly url: string;
  readonly db: Database;
  readonly writer: FrameWriter;
}

/** Measures on an embedded server of its own with fsync on, which is gone when that is done. */
export async function withBenchStore(measure: (store: BenchStore) => Promise<void>): Promise<void> {
  const dataDirectory = await mkdtemp(path.join(tmpdir(), 'spikescope-bench-'));
  const server = await startEmbeddedPostgres({ dataDirectory, logger });
  const { url } = server;
  try {
    await applyMigrations({
      url,
      directory: fileURLToPath(new URL('../../prisma/migrations', import.meta.url)),
    });
    const db = openDatabase({ url, maxConnections: 4 });
    const writer = createFrameWriter({ url, logger, maxQueuedBytes: 256 * 1024 * 1024 });
    await measure({ url, db, writer });
    await writer.close();
    await db.close();
  } finally {
    await server.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

/** The keys of so many new runs. */
export async function createRuns(
  db: Database,
  prefix: string,
  { count, layers: layerCount }: { readonly count: number; readonly layers: number },
): Promise<string[]> {
  const layers = Array.from({ length: layerCount }, (_, index) => ({
    name: `layer.${index}`,
    parameterCount: 1000,
  }));
  const runKeys: string[] = [];
  for (let index = 0; index < count; index++) {
    const run = await createRun(db, {
      project: 'bench',
      id: `${prefix}-${index}`,
      optimizer: { name: 'adamw' },
      layers,
    });
    runKeys.push(run.runKey);
  }
  return runKeys;
}
