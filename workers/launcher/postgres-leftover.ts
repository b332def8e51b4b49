/**
 * What an unclean end leaves behind in a data directory: a server that still runs, a
 * postmaster.pid of one that does not, or the lock of a launcher that was killed. Process
 * ids are reused, quickly so in containers, hence each is checked against what else is
 * known of the process before anything is ended or trusted.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Absent, or of another user: either way there is nothing to read.
    return null;
  }
}

function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function psField(field: 'lstart' | 'command', pid: number): string {
  try {
    return execFileSync('ps', ['-o', `${field}=`, '-p', String(pid)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .toString()
      .trim();
  } catch {
    // No `ps`, or no such process.
    return '';
  }
}

/** Something that stays the same while a process lives and differs for the next one with its id. */
function processBirth(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === null) return psField('lstart', pid);
  // The command name may hold spaces and brackets; the fields after it do not.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function runsInDirectory(pid: number, dataDirectory: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === dataDirectory;
  } catch {
    return psField('command', pid).includes(dataDirectory);
  }
}

async function waitForEnd(pid: number, timeoutMs: number): Promise<boolean> {
  // Not our child, so no event tells of its end.
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += 50) {
    if (!isProcessAlive(pid)) return true;
    await delay(50);
  }
  return !isProcessAlive(pid);
}

export type Leftover = 'none' | 'stale_file' | 'stopped_server';

/** Ends a server that an earlier launcher left running in `serverDirectory` and clears its pid file. */
export async function clearLeftoverServer(serverDirectory: string): Promise<Leftover> {
  const pidFile = path.join(serverDirectory, 'postmaster.pid');
  const text = readText(pidFile);
  if (text === null) return 'none';
  const pid = Number(text.split('\n')[0]);
  if (Number.isInteger(pid) && pid > 1 && isProcessAlive(pid)) {
    if (runsInDirectory(pid, serverDirectory)) {
      process.kill(pid, 'SIGINT');
      if (!(await waitForEnd(pid, 30_000))) {
        process.kill(pid, 'SIGQUIT');
        await waitForEnd(pid, 10_000);
      }
      rmSync(pidFile, { force: true });
      return 'stopped_server';
    }
  }
  rmSync(pidFile, { force: true });
  return 'stale_file';
}

/**
 * Takes the directory for this process.
 *
 * Throws  when another live process holds it: two servers on one directory destroy it
 */
export function lockDirectory(directory: string): () => void {
  const file = path.join(directory, 'launcher.lock');
  const mine = JSON.stringify({ pid: process.pid, birth: processBirth(process.pid) });
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(file, mine, { flag: 'wx', mode: 0o600 });
      return () => {
        if (readText(file) === mine) rmSync(file, { force: true });
      };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = readHolder(readText(file));
    if (holder !== null && isProcessAlive(holder.pid) && processBirth(holder.pid) === holder.birth)
      throw new Error(
        `${directory} is in use by process ${holder.pid}: stop it, or set SPIKESCOPE_DATA_DIR to a folder of its own`,
      );
    rmSync(file, { force: true });
  }
  throw new Error(`${directory} was taken by another process while starting`);
}

function readHolder(text: string | null): { pid: number; birth: string } | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    if (!('pid' in value) || !('birth' in value)) return null;
    const { pid, birth } = value;
    return typeof pid === 'number' && typeof birth === 'string' ? { pid, birth } : null;
  } catch {
    // Half a file is the lock of a process that died while writing it.
    return null;
  }
}
