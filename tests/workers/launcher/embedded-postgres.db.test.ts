import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  sharedBuffersMb,
  startEmbeddedPostgres,
} from '@/workers/launcher/embedded-postgres';

/** Building a cluster flushes a thousand files to disk; most tests start from a copy of one. */
let template: string;
let directory: string;
const warnings: string[] = [];
const silent = { info: () => undefined, warn: () => undefined };
const running = new Set<EmbeddedPostgres>();

beforeAll(async () => {
  template = await mkdtemp(path.join(tmpdir(), 'spikescope-embedded-'));
  await (await startEmbeddedPostgres({ dataDirectory: template, logger: silent })).stop();
});

afterAll(() => rm(template, { recursive: true, force: true }));

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'spikescope-embedded-'));
  copyTemplate(directory);
  warnings.length = 0;
});

afterEach(async () => {
  for (const server of running) await server.stop();
  running.clear();
  await rm(directory, { recursive: true, force: true });
});

/** With owners and modes. */
function copyTemplate(target: string): void {
  execFileSync('cp', ['-a', `${template}/.`, target]);
}

async function start(over: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({
    dataDirectory: directory,
    logger: { info: () => undefined, warn: (_, message) => warnings.push(message) },
    ...over,
  });
  running.add(server);
  return server;
}

async function stop(server: EmbeddedPostgres): Promise<void> {
  await server.stop();
  running.delete(server);
}

async function ask(server: EmbeddedPostgres, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('startEmbeddedPostgres', () => {
  it('keeps data and password over a restart', async () => {
    const first = await start();
    await ask(first, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await stop(first);
    const second = await start();
    expect(await ask(second, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(new URL(second.url).password).toBe(new URL(first.url).password);
    expect(warnings).toEqual([]);
  });

  it('recovers from a server that was killed, with what was committed', async () => {
    const first = await start();
    await ask(first, 'CREATE TABLE kept AS SELECT 42 AS answer');
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    await stop(first);
    const second = await start();
    expect(await ask(second, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(warnings).toContain('the last end was not clean; recovering');
  });

  it('ends a server that a killed launcher left running, and takes over', async () => {
    const orphaned = await start();
    await ask(orphaned, 'CREATE TABLE kept AS SELECT 42 AS answer');
    // What a killed launcher leaves: a server that runs and the lock of a process that is gone.
    const gone = JSON.stringify({ pid: 2 ** 22 + 1, birth: '1' });
    await writeFile(path.join(directory, 'launcher.lock'), gone);
    const successor = await start();
    await orphaned.exited;
    expect(await ask(successor, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(successor.pid).not.toBe(orphaned.pid);
  });

  it('is not fooled by a process that has got an old server’s or launcher’s number', async () => {
    const first = await start();
    await stop(first);
    const pidFile = path.join(directory, 'postgres', 'postmaster.pid');
    await writeFile(pidFile, `${process.pid}\n${directory}\n`);
    await writeFile(
      path.join(directory, 'launcher.lock'),
      JSON.stringify({ pid: process.pid, birth: 'another process' }),
    );
    const second = await start();
    expect(await ask(second, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('refuses a directory that a live process uses, and leaves its server alone', async () => {
    const first = await start();
    await expect(start()).rejects.toThrow(`in use by process ${process.pid}`);
    expect(await ask(first, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('listens on loopback alone, with a password that nobody else may read', async () => {
    const server = await start();
    const { hostname, password } = new URL(server.url);
    expect(hostname).toBe('127.0.0.1');
    expect(await ask(server, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    expect(await ask(server, 'SHOW synchronous_commit')).toEqual([{ synchronous_commit: 'on' }]);
    const file = path.join(directory, 'postgres-password');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toBe(password);
    const wrong = new URL(server.url);
    wrong.password = 'guess';
    const client = new pg.Client({ connectionString: wrong.href });
    await expect(client.connect()).rejects.toThrow(/password/);
  });

  it('finds a cluster that was only half built and builds it anew', async () => {
    const empty = path.join(directory, 'empty');
    await mkdir(path.join(empty, 'postgres.unfinished', 'base'), { recursive: true });
    const server = await start({ dataDirectory: empty });
    expect(await ask(server, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('runs where its folder is closed to others', async () => {
    await chmod(directory, 0o700);
    const server = await start({ dataDirectory: path.join(directory, 'deep', 'er') });
    expect(await ask(server, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('takes the port it is told and says when that is taken', async () => {
    const first = await start();
    const other = path.join(directory, 'other');
    copyTemplate(other);
    await expect(start({ dataDirectory: other, port: first.port })).rejects.toThrow(
      /could not (?:bind|create)/,
    );
    const { port } = first;
    await stop(first);
    const second = await start({ port });
    expect(second.port).toBe(port);
  });

  it('tells when the server ends by itself', async () => {
    const server = await start();
    process.kill(server.pid, 'SIGINT');
    await server.exited;
    await stop(server);
  });
});

it('keeps a port of its own beside another server', async () => {
  const first = await start();
  const other = path.join(directory, 'second');
  copyTemplate(other);
  const second = await start({ dataDirectory: other });
  expect(second.port).not.toBe(first.port);
});

it('takes an eighth of the memory for its buffers, within bounds', () => {
  const gigabyte = 2 ** 30;
  expect([0.5, 1, 2, 4, 64].map((size) => sharedBuffersMb(size * gigabyte))).toEqual([
    128, 128, 256, 512, 512,
  ]);
});
