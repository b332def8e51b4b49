import { mkdirSync, readFileSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';

/**
 * One preparation at a time in a checkout, so that two launches do not install over each
 * other. The lock is a file that names its owner; the owner touches it every second, so a
 * lock left by a killed process is recognised even where its process id is not visible
 * (another container on the same volume) or has been given to another process.
 */
const TOUCH_MS = 1_000;
/** Ten missed touches, and more: a busy machine delays a timer by seconds, not by twenty. */
const STALE_AFTER_MS = 20_000;
const POLL_MS = 200;

/** The folder of the lock is not ours to write to. */
export class UnwritableError extends Error {}

const isUnwritable = (error) => ['EACCES', 'EPERM', 'EROFS'].includes(error.code);

const isMissing = (error) => error.code === 'ENOENT';

function createExclusively(path, content) {
  try {
    writeFileSync(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    if (isUnwritable(error)) throw new UnwritableError(error.message, { cause: error });
    throw error;
  }
}

function makeFolder(path) {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    if (isUnwritable(error)) throw new UnwritableError(error.message, { cause: error });
    throw error;
  }
}

function removeIfThere(path) {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function ageMs(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function readOwner(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // Missing, or caught between its creation and its first write: age decides then.
    return null;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function isStale(path) {
  const age = ageMs(path);
  if (age === null) return false;
  if (age > STALE_AFTER_MS) return true;
  const owner = readOwner(path);
  return owner !== null && owner.host === hostname() && !isAlive(owner.pid);
}

/**
 * Removes a stale lock. Two waiters may find it stale at once, and the second must not
 * remove the first one's fresh lock: so the check is repeated under a lock of its own,
 * which lives for microseconds.
 */
function breakStale(path) {
  const breaking = `${path}.breaking`;
  if (!createExclusively(breaking, '')) {
    const age = ageMs(breaking);
    if (age !== null && age > STALE_AFTER_MS) removeIfThere(breaking);
    return;
  }
  try {
    if (isStale(path)) removeIfThere(path);
  } finally {
    removeIfThere(breaking);
  }
}

const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Runs `work` while holding the lock; `onWait` is told once whom it waits for.
 *
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {(owner: { pid: number, host: string } | null) => void} [onWait]
 * @throws {UnwritableError} before `work` has begun
 * @returns {Promise<T>}
 */
export async function withLock(path, work, onWait = () => {}) {
  makeFolder(dirname(path));
  const owner = JSON.stringify({ pid: process.pid, host: hostname() });
  let hasWaited = false;
  while (!createExclusively(path, owner)) {
    if (isStale(path)) {
      breakStale(path);
      continue;
    }
    if (!hasWaited) onWait(readOwner(path));
    hasWaited = true;
    await delay(POLL_MS);
  }
  const removeAtExit = () => removeIfThere(path);
  process.on('exit', removeAtExit);
  const touch = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(path, now, now);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }, TOUCH_MS);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    process.off('exit', removeAtExit);
    removeIfThere(path);
  }
}
