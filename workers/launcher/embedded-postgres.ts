/**
 * The database where no DATABASE_URL is set: a real PostgreSQL whose binaries come with an
 * npm package. `dataDirectory` holds `postgres/` (the cluster), `postgres-password` (mode
 * 0600) and `launcher.lock`. The server listens on loopback alone, on TCP (a Unix socket's
 * path may not be longer than 107 bytes), and in a session of its own, so that Ctrl-C in
 * the terminal reaches it through `stop` and not before the workers have drained.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { totalmem } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { findLoopbackPort } from './loopback-port';
import { clearLeftoverServer, lockDirectory } from './postgres-leftover';
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries';
import { commandAs, findUnprivilegedUser, type UnprivilegedUser } from './postgres-user';

const USER = 'spikescope';
const DATABASE = 'spikescope';

/** An eighth of the machine's memory, within 128 MB and 512 MB; taken as it is needed. */
export function sharedBuffersMb(memoryBytes: number): number {
  return Math.min(512, Math.max(128, Math.floor(memoryBytes / 2 ** 23)));
}

/** Chosen for one writer that commits megabytes many times a second; the rest is PostgreSQL's default. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '64',
  // What is hot is rewritten by compaction within seconds and should not go by way of the disk.
  shared_buffers: `${sharedBuffersMb(totalmem())}MB`,
  // An acknowledged frame is on disk: never turned off here.
  synchronous_commit: 'on',
  wal_buffers: '16MB',
  // At 60 MB/s of frames the default of 1 GB would force a checkpoint every ten seconds.
  max_wal_size: '4GB',
  min_wal_size: '256MB',
  checkpoint_timeout: '15min',
  // Hot rows die as fast as frames come, and pile up from one look at the table to the next.
  autovacuum_naptime: '10s',
  wal_level: 'minimal',
  max_wal_senders: '0',
  // Reads are slices of one run by primary key; planning them in parallel only costs.
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  random_page_cost: '1.1',
  lc_messages: 'C',
  logging_collector: 'off',
  log_destination: 'stderr',
};

export interface LauncherLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface EmbeddedPostgresOptions {
  readonly dataDirectory: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  readonly logger: LauncherLogger;
  /** Laid over ours; tests turn fsync off. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedPostgres {
  /** Of the product's database, with user and password. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the server's process has ended, whoever ended it. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

/** The password, kept for the next start; readable by the user that runs the server alone. */
function ensurePassword(dataDirectory: string, user: UnprivilegedUser | null): string {
  const file = path.join(dataDirectory, 'postgres-password');
  if (!existsSync(file)) {
    writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600 });
    if (user !== null) chownSync(file, user.uid, user.gid);
  }
  chmodSync(file, 0o600);
  return readFileSync(file, 'utf8').trim();
}

async function runToEnd(child: ChildProcess): Promise<void> {
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  if (child.exitCode !== 0) {
    throw new Error(
      `initdb ended with ${child.exitCode ?? child.signalCode ?? 'nothing'}: ${output}`,
    );
  }
}

function spawnAs(
  user: UnprivilegedUser | null,
  file: string,
  args: readonly string[],
  paths: readonly string[],
): ChildProcess {
  const command = commandAs(user, file, args, paths);
  return spawn(command.file, command.arguments, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    cwd: '/',
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    ...(command.uid === undefined ? {} : { uid: command.uid }),
    ...(command.gid === undefined ? {} : { gid: command.gid }),
  });
}

/** Builds the cluster beside its place and renames it there, so that half a cluster is never found. */
async function initialise(
  binaries: PostgresBinaries,
  dataDirectory: string,
  user: UnprivilegedUser | null,
): Promise<void> {
  const unfinished = path.join(dataDirectory, 'postgres.unfinished');
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  if (user !== null) chownSync(unfinished, user.uid, user.gid);
  const args = [
    `--pgdata=${unfinished}`,
    `--username=${USER}`,
    `--pwfile=${path.join(dataDirectory, 'postgres-password')}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Byte order: the same on every machine, so a data directory can move.
    '--locale=C',
    '--no-instructions',
  ];
  await runToEnd(spawnAs(user, binaries.initdb, args, [binaries.initdb, dataDirectory]));
  renameSync(unfinished, path.join(dataDirectory, 'postgres'));
}

interface RunningServer {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
}

/** Resolves when the server says that it accepts connections; rejects with its last words when it ends first. */
async function startServer(
  binaries: PostgresBinaries,
  serverDirectory: string,
  port: number,
  user: UnprivilegedUser | null,
  { logger, settings }: EmbeddedPostgresOptions,
): Promise<RunningServer> {
  const flags = Object.entries({ ...SETTINGS, ...settings, port: String(port) }).flatMap(
    ([name, value]) => ['-c', `${name}=${value}`],
  );
  const child = spawnAs(
    user,
    binaries.postgres,
    ['-D', serverDirectory, ...flags],
    [binaries.postgres, serverDirectory],
  );
  const exited = once(child, 'exit').then(() => undefined);
  const lastLines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      reject(new Error(`PostgreSQL ended before it was ready: ${lastLines.join(' | ')}`));
    });
    if (child.stderr === null) return;
    createInterface({ input: child.stderr }).on('line', (line) => {
      lastLines.push(line);
      if (lastLines.length > 8) lastLines.shift();
      if (line.includes('database system is ready to accept connections')) resolve();
      if (/\b(?:WARNING|ERROR|FATAL|PANIC):/.test(line)) logger.warn({ line }, 'postgres');
    });
  });
  return { child, exited };
}

async function ensureDatabase(url: (database: string) => string): Promise<void> {
  const client = new pg.Client({ connectionString: url('postgres') });
  await client.connect();
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}

function ensureDirectory(dataDirectory: string): void {
  try {
    mkdirSync(dataDirectory, { recursive: true });
    accessSync(dataDirectory, constants.W_OK);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const whatToDo = 'set SPIKESCOPE_DATA_DIR to a folder that this user may write to';
    throw new Error(`${dataDirectory} cannot be used: ${why}; ${whatToDo}`, { cause: error });
  }
}

/** A killed server's children hold its memory a moment longer than its process id; a port can be lost to another. */
const START_ATTEMPTS = 5;

/**
 * Starts the server, creating the cluster and the database where they are missing.
 *
 * Throws  when another live process uses `dataDirectory`, when there are no binaries for
 *         this platform, or with the server's own words when it does not come up
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const { logger } = options;
  const dataDirectory = path.resolve(options.dataDirectory);
  const serverDirectory = path.join(dataDirectory, 'postgres');
  const binaries = await findPostgresBinaries();
  const user = findUnprivilegedUser();
  ensureDirectory(dataDirectory);
  const unlock = lockDirectory(dataDirectory);
  try {
    const password = ensurePassword(dataDirectory, user);
    if (!existsSync(serverDirectory)) await initialise(binaries, dataDirectory, user);
    const leftover = await clearLeftoverServer(serverDirectory);
    if (leftover !== 'none') logger.warn({ leftover }, 'the last end was not clean; recovering');

    const { server, port } = await startWithRetries(binaries, serverDirectory, user, options);
    const killWithUs = (): void => {
      server.child.kill('SIGINT');
    };
    process.once('exit', killWithUs);
    void server.exited.then(() => process.removeListener('exit', killWithUs));
    const url = (database: string): string =>
      `postgresql://${USER}:${password}@127.0.0.1:${port}/${database}`;
    const stop = async (): Promise<void> => {
      await stopServer(server);
      unlock();
    };
    try {
      await ensureDatabase(url);
    } catch (error) {
      await stopServer(server);
      throw error;
    }
    return { url: url(DATABASE), port, pid: server.child.pid ?? 0, exited: server.exited, stop };
  } catch (error) {
    unlock();
    throw error;
  }
}

async function startWithRetries(
  binaries: PostgresBinaries,
  serverDirectory: string,
  user: UnprivilegedUser | null,
  options: EmbeddedPostgresOptions,
): Promise<{ server: RunningServer; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const wanted = options.port ?? 0;
    const port = wanted === 0 ? await findLoopbackPort() : wanted;
    try {
      return { server: await startServer(binaries, serverDirectory, port, user, options), port };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const isPassing = /shared memory block|could not bind|lock file/.test(message);
      if (!isPassing || attempt === START_ATTEMPTS) throw error;
      options.logger.warn({ attempt, message }, 'PostgreSQL did not start; trying again');
      await delay(200 * attempt);
    }
  }
}

/** Fast shutdown: open transactions are rolled back, a checkpoint is written. */
async function stopServer({ child, exited }: RunningServer): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGINT');
  const patience = setTimeout(() => child.kill('SIGQUIT'), 30_000);
  await exited;
  clearTimeout(patience);
}
