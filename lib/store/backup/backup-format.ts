/** The frames of a backup file; README.md says how they follow one another. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';

export const BACKUP_FORMAT = 'spikescope-backup';
export const BACKUP_VERSION = 1;

/** Of a COPY's bytes; the frames may be of any length. */
const LONGEST_FRAME = 64 * 1024 * 1024;

const backupHeadSchema = z.object({
  format: z.literal(BACKUP_FORMAT),
  version: z.literal(BACKUP_VERSION),
  createdAt: z.iso.datetime(),
  migrations: z.array(z.string()),
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()) })),
});
export type BackupHead = z.infer<typeof backupHeadSchema>;

const backupEndSchema = z.object({
  sha256: z.string(),
  rows: z.record(z.string(), z.int()),
});
export type BackupEnd = z.infer<typeof backupEndSchema>;

/** A file that is no backup, or not the whole of one, or a database that it cannot go into. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

export function frameOf(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
}

export const END_OF_FRAMES = Buffer.alloc(4);

export function jsonFrame(value: unknown): Buffer {
  return frameOf(Buffer.from(JSON.stringify(value)));
}

/** Frames out of a file, with the checksum of all that has been read. */
export class BackupReader {
  readonly #source: AsyncIterator<Buffer>;
  readonly #hash = createHash('sha256');
  #rest: Buffer = Buffer.alloc(0);

  constructor(path: string) {
    const file = createReadStream(path);
    const unzipped = createGunzip();
    file.on('error', (error) => unzipped.destroy(error));
    file.pipe(unzipped);
    this.#source = unzipped.iterator();
  }

  /** The next frame; null for the end of a list. Throws BackupError where the file ends before. */
  async frame(): Promise<Buffer | null> {
    const length = (await this.#take(4)).readUInt32BE();
    if (length > LONGEST_FRAME) throw new BackupError('this is no backup of Spikescope');
    return length === 0 ? null : this.#take(length);
  }

  /** Of everything up to here. */
  checksum(): string {
    return this.#hash.copy().digest('hex');
  }

  async #take(length: number): Promise<Buffer> {
    const pieces = [this.#rest];
    let held = this.#rest.length;
    while (held < length) {
      const next = await this.#next();
      if (next === null) throw new BackupError('the backup ends before its end: it was cut off');
      pieces.push(next);
      held += next.length;
    }
    const bytes = Buffer.concat(pieces);
    const taken = bytes.subarray(0, length);
    this.#rest = bytes.subarray(length);
    this.#hash.update(taken);
    return taken;
  }

  async #next(): Promise<Buffer | null> {
    try {
      const result = await this.#source.next();
      return result.done === true ? null : result.value;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new BackupError(`the backup cannot be read: ${reason}`, { cause });
    }
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}

export async function readHead(reader: BackupReader): Promise<BackupHead> {
  const frame = await reader.frame();
  const head = backupHeadSchema.safeParse(parseJson(frame));
  if (!head.success) throw new BackupError('this is no backup that this version can read');
  return head.data;
}

export async function readEnd(reader: BackupReader): Promise<BackupEnd> {
  const sha256 = reader.checksum();
  const end = backupEndSchema.safeParse(parseJson(await reader.frame()));
  if (!end.success || end.data.sha256 !== sha256) {
    throw new BackupError('the backup is damaged: its checksum is another');
  }
  return end.data;
}

function parseJson(frame: Buffer | null): unknown {
  try {
    return JSON.parse(frame?.toString('utf8') ?? 'null');
  } catch {
    return null;
  }
}

/** Reads the file to its end. Throws BackupError unless all of it is there and as it was written. */
export async function checkBackup(path: string): Promise<BackupHead> {
  const reader = new BackupReader(path);
  try {
    const head = await readHead(reader);
    for (let table = 0; table < head.tables.length; table++) {
      while ((await reader.frame()) !== null);
    }
    await readEnd(reader);
    return head;
  } finally {
    await reader.close();
  }
}
