/**
 * A run's folder on disk: how it is opened, and what waits for the server.
 *
 *   DIRECTORY/RUN/20260131T120000.000000-4242-5f0c9a/
 *     run.json   how the run is opened, and its attempt once that is known
 *     *.spool    see spool.ts
 *
 * The number in the name is the process: a folder whose process is gone is left over. Whoever
 * delivers it puts its own number there, so that no second process does the same. The Python
 * client locks `lock` instead, which Node cannot, but can see.
 */
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { createRunSchema } from '../../lib/contract/runs';
import { Spool } from './spool';

const descriptionSchema = z.object({
  version: z.literal(1),
  create: createRunSchema.omit({ resumeFromStep: true }).extend({ id: z.string() }),
  /** A step, or a word of the Python client's: allow, must, never. */
  resume: z.union([z.int(), z.string()]).nullish(),
  /** The attempt of processes that share one; null: the one that opening the run answers. */
  sharedAttempt: z.int().nullish(),
  attempt: z.int().nullish(),
  /** leader or part, of a run that processes of the Python client share. */
  role: z.string().nullish(),
  url: z.string().nullish(),
});
export type KeptDescription = z.infer<typeof descriptionSchema>;

/** In a folder's name: the process, and what makes it unique. */
const PROCESS = /-(\d+)-([0-9a-f]+)$/;
/** What makes a folder unique that was claimed: the moment, and a random part. */
const CLAIM_DIGITS = 11;
/** Folders of this number that are older are of a process before it, as in a container. */
const STARTED_MS = Date.now() - process.uptime() * 1000;

/** Folders that runs of this thread write into. */
const held = new Set<string>();
/** And those that they are done with: no other thread's, whatever their name says. */
const released = new Set<string>();

export class KeptRun {
  readonly spool: Spool;

  constructor(
    readonly folder: string,
    maxBytes: number,
    /** As whoever left it named the folder; null: it is this process's own. */
    private readonly leftAs: string | null = null,
  ) {
    this.spool = new Spool(folder, maxBytes);
    held.add(folder);
    released.delete(folder);
  }

  /** Names sort by time, in which attempts are delivered; two processes of one moment differ. */
  static create(directory: string, runId: string, nowMs: number, maxBytes: number): KeptRun {
    const time = new Date(nowMs).toISOString();
    const second = time.slice(0, 19).replaceAll(/[-:]/g, '');
    const fraction = `${time.slice(20, 23)}000`;
    const name = `${second}.${fraction}-${process.pid}-${randomBytes(3).toString('hex')}`;
    return new KeptRun(join(directory, runId, name), maxBytes);
  }

  /** What another process left over, taken for this one; null where somebody was quicker. */
  static claim(folder: string, maxBytes: number): KeptRun | null {
    const moment = Date.now().toString(16).padStart(CLAIM_DIGITS, '0');
    const unique = `${moment}${randomBytes(3).toString('hex')}`;
    const name = basename(folder).replace(PROCESS, `-${process.pid}-${unique}`);
    const claimed = join(dirname(folder), name);
    try {
      renameSync(folder, claimed);
      // Its absence tells the Python client to look at the number.
      rmSync(join(claimed, 'lock'), { force: true });
    } catch (error) {
      if (isErrorOf(error, 'ENOENT')) return null;
      // A disk that can be read alone: what is delivered twice is known as a duplicate.
      return new KeptRun(existsSync(folder) ? folder : claimed, maxBytes);
    }
    return new KeptRun(claimed, maxBytes, folder);
  }

  /** Not all could be delivered: the next process may try. Never throws. */
  giveBack(): void {
    this.release();
    if (this.leftAs === null || !existsSync(this.folder)) return;
    try {
      renameSync(this.folder, this.leftAs);
      released.delete(this.folder);
      released.add(this.leftAs);
    } catch {
      // It stays this process's, and is left over once that has ended.
      return;
    }
  }

  /** Writes run.json whole or not at all. Throws what the file system does. */
  save(description: Omit<KeptDescription, 'version'>): void {
    mkdirSync(this.folder, { recursive: true });
    const temporary = join(this.folder, 'run.json.new');
    writeFileSync(temporary, JSON.stringify({ version: 1, ...description }));
    renameSync(temporary, join(this.folder, 'run.json'));
  }

  /** null where there is none, or one that another version wrote. */
  load(): KeptDescription | null {
    try {
      const text: unknown = JSON.parse(readFileSync(join(this.folder, 'run.json'), 'utf8'));
      const parsed = descriptionSchema.safeParse(text);
      return parsed.success ? parsed.data : null;
    } catch {
      return null;
    }
  }

  release(): void {
    this.spool.close();
    held.delete(this.folder);
    released.add(this.folder);
  }

  /** All was delivered: leaves nothing behind. Never throws. */
  remove(): void {
    this.spool.clear();
    this.release();
    released.delete(this.folder);
    if (!existsSync(this.folder)) return;
    try {
      rmSync(this.folder, { recursive: true, force: true });
      // Not empty where another process of the run keeps its own beside this one.
      rmdirSync(dirname(this.folder));
    } catch {
      return;
    }
  }
}

/** Folders of a run with something kept whose process is gone, oldest first. */
export function findLeftOver(directory: string, runId: string): string[] {
  const ofRun = join(directory, runId);
  let names: string[];
  try {
    names = readdirSync(ofRun).sort();
  } catch {
    return [];
  }
  return names
    .map((name) => join(ofRun, name))
    .filter((folder) => existsSync(join(folder, 'run.json')) && !isInUse(folder));
}

function isInUse(folder: string): boolean {
  if (held.has(folder) || isLocked(folder)) return true;
  if (released.has(folder)) return false;
  const named = PROCESS.exec(folder);
  const pid = Number(named?.[1]);
  if (!Number.isInteger(pid)) return false;
  if (pid === process.pid) return heldSinceMs(basename(folder)) >= STARTED_MS;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return isErrorOf(error, 'EPERM');
  }
}

/** When the process of the name began to write into the folder, or to deliver it. */
function heldSinceMs(name: string): number {
  const unique = PROCESS.exec(name)?.[2] ?? '';
  if (unique.length > CLAIM_DIGITS) return Number.parseInt(unique.slice(0, CLAIM_DIGITS), 16);
  const [, date, hour, minute, second] = /^(\d{8})T(\d\d)(\d\d)(\d\d\.\d{3})/.exec(name) ?? [];
  if (date === undefined) return -Infinity;
  const day = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`;
  return Date.parse(`${day}T${hour}:${minute}:${second}Z`);
}

/** Whether a process of the Python client holds it. Elsewhere than on Linux nobody can tell. */
function isLocked(folder: string): boolean {
  try {
    const { ino } = statSync(join(folder, 'lock'));
    const lock = new RegExp(`\\sFLOCK\\s.*:${ino}\\s`);
    return readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .some((line) => lock.test(line));
  } catch {
    return false;
  }
}

function isErrorOf(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
