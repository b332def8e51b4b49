import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withLock } from '@/workers/launcher/checkout-lock.mjs';

const MODULE = fileURLToPath(
  new URL('../../../workers/launcher/checkout-lock.mjs', import.meta.url),
);

let directory: string;
let lock: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spikescope-lock-'));
  lock = join(directory, 'prepare.lock');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Appends "in" and "out" to a journal around some work, all under the lock, in its own process. */
function holdInAnotherProcess(journal: string): Promise<number | null> {
  const script = `
    import { appendFileSync } from 'node:fs';
    import { withLock } from ${JSON.stringify(MODULE)};
    await withLock(${JSON.stringify(lock)}, async () => {
      appendFileSync(${JSON.stringify(journal)}, 'in ');
      await new Promise((resolve) => setTimeout(resolve, 30));
      appendFileSync(${JSON.stringify(journal)}, 'out ');
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: 'inherit',
  });
  return new Promise((resolve) => child.once('close', resolve));
}

describe('withLock', () => {
  it('lets processes in one after the other', async () => {
    const journal = join(directory, 'journal');
    const codes = await Promise.all([1, 2, 3].map(() => holdInAnotherProcess(journal)));
    expect(codes).toEqual([0, 0, 0]);
    expect(readFileSync(journal, 'utf8')).toBe('in out in out in out ');
    expect(existsSync(lock)).toBe(false);
  });

  it('takes over from a process that is gone', async () => {
    // No process has this id: Linux ends at 4194304.
    writeFileSync(lock, JSON.stringify({ pid: 4_194_305, host: hostname() }));
    expect(await withLock(lock, () => Promise.resolve('done'))).toBe('done');
  });

  it('takes over from an owner elsewhere that has stopped touching it', async () => {
    writeFileSync(lock, JSON.stringify({ pid: process.pid, host: 'another-container' }));
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(lock, longAgo, longAgo);
    expect(await withLock(lock, () => Promise.resolve('done'))).toBe('done');
  });

  it('says once whom it waits for', async () => {
    const waits: unknown[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const first = withLock(lock, () => held);
    const second = withLock(
      lock,
      () => Promise.resolve(),
      (owner) => {
        waits.push(owner);
        release();
      },
    );
    await Promise.all([first, second]);
    expect(waits).toEqual([{ pid: process.pid, host: hostname() }]);
  });

  it('releases the lock when the work fails', async () => {
    await expect(withLock(lock, () => Promise.reject(new Error('broken')))).rejects.toThrow(
      'broken',
    );
    expect(existsSync(lock)).toBe(false);
  });
});
