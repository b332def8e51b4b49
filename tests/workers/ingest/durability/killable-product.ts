/**
 * The bundled worker and front door on an embedded database with its durable settings, of
 * which each part can be killed as a machine would, and comes back as under the launcher.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { applyMigrations } from '@/lib/store/migrations/migrate';
import { isOutage } from '@/lib/store/postgres/outage';
import { ensureWorkersBuilt } from '@/workers/launcher/build-product.mjs';
import { withLock } from '@/workers/launcher/checkout-lock.mjs';
import { findLoopbackPort } from '@/workers/launcher/loopback-port';
import { BUILD_DIR } from '@/workers/launcher/paths.mjs';
import { openDatabase, type ProductDatabase } from '@/workers/launcher/product-database';
import { describeProcesses } from '@/workers/launcher/product-processes';
import type { ProcessDescription } from '@/workers/launcher/supervised-process';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const READY_TIMEOUT_MS = 180_000;
const NOTICED_MS = 10_000;

export class KillableProduct {
  readonly url: string;
  readonly databaseUrl: string;
  readonly #database: ProductDatabase;
  readonly #dataDir: string;
  readonly #ingestUrl: string;
  readonly #descriptions: readonly ProcessDescription[];
  readonly #children = new Map<string, ChildProcess>();
  #lastWords = '';
  #isStopping = false;

  /** `parent`: where its folder is made; the system's own for such things unless it is said. */
  static async start(parent = tmpdir()): Promise<KillableProduct> {
    await withLock(join(BUILD_DIR, 'prepare.lock'), ensureWorkersBuilt, () => undefined);
    const dataDir = mkdtempSync(join(parent, 'spikescope-durability-'));
    const database = await openDatabase({ url: null, dataDir, print: () => undefined });
    await applyMigrations({ url: database.url, directory: join(ROOT, 'prisma/migrations') });
    const port = await findLoopbackPort();
    const ingestPort = await findLoopbackPort([port]);
    const product = new KillableProduct(database, dataDir, port, ingestPort);
    await product.untilReady();
    return product;
  }

  private constructor(
    database: ProductDatabase,
    dataDir: string,
    port: number,
    ingestPort: number,
  ) {
    this.#database = database;
    this.#dataDir = dataDir;
    this.databaseUrl = database.url;
    this.url = `http://127.0.0.1:${port}`;
    this.#ingestUrl = `http://127.0.0.1:${ingestPort}`;
    const { ingest, api } = describeProcesses(
      // No pages: nothing is asked of them.
      { host: '127.0.0.1', port, ingestPort, webPort: 1, databaseUrl: database.url },
      { root: ROOT, isDevelopment: false, environment: { ...process.env, LOG_LEVEL: 'warn' } },
    );
    this.#descriptions = [ingest, api];
    for (const description of this.#descriptions) this.#spawn(description);
  }

  #spawn(description: ProcessDescription): void {
    const { name, nodeArguments, cwd, environment } = description;
    const child = spawn(process.execPath, nodeArguments, {
      cwd,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#children.set(name, child);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#lastWords = (this.#lastWords + chunk.toString()).slice(-8000);
      });
    }
    child.once('exit', () => {
      if (!this.#isStopping) this.#spawn(description);
    });
  }

  /** SIGKILL: no handler runs, nothing is flushed. */
  async killWorker(): Promise<void> {
    const child = this.#children.get('ingest')!;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** The server itself; its backends notice and end by themselves. */
  killPostmaster(): void {
    const file = join(this.#dataDir, 'postgres', 'postmaster.pid');
    process.kill(Number(readFileSync(file, 'utf8').split('\n', 1)[0]), 'SIGKILL');
  }

  /** The process behind one of our connections; the server then ends all and recovers. */
  async killBackend(pick: (pids: readonly number[]) => number): Promise<void> {
    for (let isKilled = false; !isKilled;) {
      isKilled = await this.withClient(async (client) => {
        const ended = new Promise<true>((resolve) => client.once('end', () => resolve(true)));
        const { rows } = await client.query<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'spikescope%' ORDER BY pid`,
        );
        if (rows.length === 0 || !kill(pick(rows.map(({ pid }) => pid)))) return false;
        // The server has noticed once it ends this connection too; a process that was ending
        // by itself is none that it misses.
        return Promise.race([ended, delay(NOTICED_MS, false)]);
      });
    }
  }

  /** The database itself; where it is away, or goes away meanwhile, once it is back. */
  async withClient<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const client = new pg.Client({ connectionString: this.databaseUrl });
      client.on('error', () => undefined);
      try {
        await client.connect();
        return await work(client);
      } catch (error) {
        if (!isOutage(error) || performance.now() > deadline) throw error;
        await delay(50);
      } finally {
        await client.end().catch(() => undefined);
      }
    }
  }

  /** What `/readyz` of the worker answers; null where it does not. */
  async readiness(): Promise<{ readonly status: number; readonly writerOutage: unknown } | null> {
    try {
      const response = await fetch(`${this.#ingestUrl}/readyz`);
      const { writerOutage } = (await response.json()) as { writerOutage: unknown };
      return { status: response.status, writerOutage };
    } catch {
      return null;
    }
  }

  /** Until the worker says that it takes posts and the front door reads. */
  async untilReady(): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const answers = await Promise.all(
        [`${this.#ingestUrl}/readyz`, `${this.url}/api/v1/runs`].map((url) => isOk(url)),
      );
      if (answers.every(Boolean)) return;
      if (performance.now() > deadline) throw new Error(`never ready:\n${this.#lastWords}`);
      await delay(50);
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const child of this.#children.values()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    await this.#database.stop();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}

/** False where it has ended by itself. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

async function isOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(30_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
