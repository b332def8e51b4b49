/**
 * The product: the embedded database with its usual settings and, for each measurement, a
 * fresh database with the bundled ingestion worker and front door; its pages where they are
 * what is measured.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { applyMigrations } from '../../lib/store/migrations/migrate';
import { ensurePagesBuilt, ensureWorkersBuilt } from '../../workers/launcher/build-product.mjs';
import { withLock } from '../../workers/launcher/checkout-lock.mjs';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../workers/launcher/embedded-postgres';
import { findLoopbackPort } from '../../workers/launcher/loopback-port';
import { BUILD_DIR } from '../../workers/launcher/paths.mjs';
import { describeProcesses } from '../../workers/launcher/product-processes';
import type { ProcessDescription } from '../../workers/launcher/supervised-process';
import { waitUntilReady } from '../../workers/launcher/wait-until-ready';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TEMPLATE = 'bench_template';
const START_TIMEOUT_MS = 30_000;

const logger = {
  info: () => undefined,
  // A database that is dropped ends what still vacuums it: no fault.
  warn: (fields: object, message: string) => {
    if (!JSON.stringify(fields).includes('due to administrator command')) {
      console.warn(message, fields);
    }
  },
};

export interface BenchServer {
  readonly directory: string;
  readonly postgres: EmbeddedPostgres;
  urlOf(database: string): string;
  /** Runs SQL beside the measured databases. */
  admin(sql: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * PostgreSQL in a temporary folder, with a migrated template of what is measured; `settings`
 * are laid over those that are shipped.
 */
export async function startBenchServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<BenchServer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'spikescope-bench-'));
  const postgres = await startEmbeddedPostgres({ dataDirectory: directory, logger, settings });
  const urlOf = (database: string): string => {
    const url = new URL(postgres.url);
    url.pathname = database;
    return url.href;
  };
  const admin = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  const stop = async (): Promise<void> => {
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await admin(`CREATE DATABASE ${TEMPLATE}`);
    await applyMigrations({
      url: urlOf(TEMPLATE),
      directory: path.join(ROOT, 'prisma/migrations'),
    });
    return { directory, postgres, urlOf, admin, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The workers as they are shipped. */
export async function buildWorkers(): Promise<void> {
  await withLock(path.join(BUILD_DIR, 'prepare.lock'), ensureWorkersBuilt, () => undefined);
}

/** The pages as they are shipped. */
export async function buildPages(): Promise<void> {
  await withLock(path.join(BUILD_DIR, 'prepare.lock'), ensurePagesBuilt, () => undefined);
}

export interface BenchProduct {
  /** Of the front door. */
  readonly url: string;
  readonly ingestUrl: string;
  readonly databaseUrl: string;
  readonly pids: Readonly<Record<'front door' | 'ingest', number>>;
  /** Ends the workers and drops the database. */
  stop(): Promise<void>;
}

export async function startBenchProduct(
  server: BenchServer,
  name: string,
  profileDirectory: string | null,
  { hasPages = false }: { readonly hasPages?: boolean } = {},
): Promise<BenchProduct> {
  await server.admin(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  // What an earlier measurement left to be written is not this one's load.
  await server.admin('CHECKPOINT');
  const databaseUrl = server.urlOf(name);
  const port = await findLoopbackPort();
  const ingestPort = await findLoopbackPort([port]);
  const processes = describeProcesses(
    {
      host: '127.0.0.1',
      port,
      ingestPort,
      webPort: await findLoopbackPort([port, ingestPort]),
      databaseUrl,
    },
    { root: ROOT, isDevelopment: false, environment: process.env },
  );
  const logPath = (part: string): string => path.join(server.directory, `${name}-${part}.log`);
  const ingest = startWorker(processes.ingest, logPath('ingest'), profileDirectory);
  const api = startWorker(processes.api, logPath('api'), profileDirectory);
  const web = hasPages ? startWorker(processes.web, logPath('web'), null) : null;
  const stop = async (): Promise<void> => {
    for (const child of web === null ? [api, ingest] : [web, api, ingest]) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    await server.admin(`DROP DATABASE ${name} WITH (FORCE)`);
  };
  const url = `http://127.0.0.1:${port}`;
  const ingestUrl = `http://127.0.0.1:${ingestPort}`;
  const died = new AbortController();
  for (const [part, child] of [
    ['ingest', ingest],
    ['api', api],
    ['web', web],
  ] as const) {
    child?.once('exit', (code) => {
      const log = readFileSync(logPath(part), 'utf8').slice(-2000);
      died.abort(new Error(`${part} ended with ${code ?? 'a signal'}: ${log}`));
    });
  }
  try {
    const options = { timeoutMs: START_TIMEOUT_MS, signal: died.signal };
    await waitUntilReady(`${ingestUrl}/readyz`, options);
    await waitUntilReady(`${url}/healthz`, options);
    if (web !== null) await waitUntilReady(`${url}/`, options);
  } catch (error) {
    await stop();
    throw error;
  }
  const pids = { 'front door': api.pid ?? 0, ingest: ingest.pid ?? 0 };
  return { url, ingestUrl, databaseUrl, pids, stop };
}

function startWorker(
  { nodeArguments, cwd, environment }: ProcessDescription,
  logPath: string,
  profileDirectory: string | null,
): ChildProcess {
  const profiling =
    profileDirectory === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
  const log = openSync(logPath, 'w');
  const child = spawn(process.execPath, [...profiling, ...nodeArguments], {
    cwd,
    env: environment,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  return child;
}
