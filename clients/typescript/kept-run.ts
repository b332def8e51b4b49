/**
 * A run's folder on disk: how it is opened, and what waits for the server.
 *
 *   DIRECTORY/RUN/20260131T120000.000000-4242-5f0c9a/
 *     run.json   how the run is opened, and its attempt once that is known
 *     *.spool    see spool.ts
 *
 * The number in the name is the process: a folder whose process is gone is left over.
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
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
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

/** Folders that runs of this process write into. */
const held = new Set<string>();

export class KeptRun {
  readonly spool: Spool;

  constructor(
    readonly folder: string,
    maxBytes: number,
  ) {
    this.spool = new Spool(folder, maxBytes);
    held.add(folder);
  }

  /** Names sort by time, in which attempts are delivered; two processes of one moment differ. */
  static create(directory: string, runId: string, nowMs: number, maxBytes: number): KeptRun {
    const time = new Date(nowMs).toISOString();
    const second = time.slice(0, 19).replaceAll(/[-:]/g, '');
    const fraction = `${time.slice(20, 23)}000`;
    const name = `${second}.${fraction}-${process.pid}-${randomBytes(3).toString('hex')}`;
    return new KeptRun(join(directory, runId, name), maxBytes);
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
  }

  /** All was delivered: leaves nothing behind. Never throws. */
  remove(): void {
    this.spool.clear();
    this.release();
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
  if (held.has(folder)) return true;
  const pid = Number(/-(\d+)-[0-9a-f]+$/.exec(folder)?.[1]);
  if (!Number.isInteger(pid) || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
