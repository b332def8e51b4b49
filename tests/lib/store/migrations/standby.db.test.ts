import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { UnfitDatabaseError } from '@/lib/store/migrations/database-requirements';
import { applyMigrations } from '@/lib/store/migrations/migrate';
import { silentLogger } from '@/tests/database';
import { startEmbeddedPostgres } from '@/workers/launcher/embedded-postgres';
import { findLoopbackPort } from '@/workers/launcher/loopback-port';
import { findPostgresBinaries } from '@/workers/launcher/postgres-binaries';
import { commandAs, findUnprivilegedUser } from '@/workers/launcher/postgres-user';

const migrations = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));
/** What a server writes that others follow. */
const FOLLOWED = { wal_level: 'replica', max_wal_senders: '1', fsync: 'off' };

let folder: string | null = null;
let standby: ChildProcess | null = null;

afterEach(async () => {
  if (standby !== null && standby.exitCode === null) {
    const ended = once(standby, 'exit');
    standby.kill('SIGINT');
    await ended;
  }
  if (folder !== null) await rm(folder, { recursive: true, force: true });
});

/** Of a server that has stopped; resolves once it can be read. */
async function startStandby(dataDirectory: string, port: number): Promise<ChildProcess> {
  const cluster = path.join(dataDirectory, 'postgres');
  const user = findUnprivilegedUser();
  const signal = path.join(cluster, 'standby.signal');
  writeFileSync(signal, '');
  if (user !== null) chownSync(signal, user.uid, user.gid);
  const { postgres } = await findPostgresBinaries();
  const settings = {
    ...{ ...FOLLOWED, port: String(port), listen_addresses: '127.0.0.1', max_connections: '64' },
    ...{ unix_socket_directories: '', hot_standby: 'on', lc_messages: 'C' },
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const command = commandAs(user, postgres, ['-D', cluster, ...flags], [postgres, cluster]);
  const child = spawn(command.file, command.arguments, {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: '/',
    ...(command.uid === undefined ? {} : { uid: command.uid }),
    ...(command.gid === undefined ? {} : { gid: command.gid }),
  });
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    child.once('close', () => reject(new Error(lines.join('\n'))));
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line);
      if (line.includes('ready to accept read-only connections')) resolve();
    });
  });
  return child;
}

it('refuses a standby, which only reads, and names what to name instead', async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'spikescope-standby-'));
  const options = { dataDirectory: folder, logger: silentLogger, settings: FOLLOWED };
  const primary = await startEmbeddedPostgres(options);
  await primary.stop();
  const port = await findLoopbackPort();
  standby = await startStandby(folder, port);
  const url = new URL(primary.url);
  url.port = String(port);
  const outcome = await applyMigrations({ url: url.href, directory: migrations }).catch(
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(UnfitDatabaseError);
  expect(String(outcome)).toContain('its server is a standby, which only reads: name the primary');
});
