/**
 * Records kept on disk, first in, first out, while the server is away: the files of the
 * Python client, so that `spikescope sync` delivers either.
 *
 * A folder holds segments `00000001.spool`, each a row of records
 *   magic 4 · kind 1 · length 4 · CRC-32 4 · payload
 * and `cursor`, which says how far they were delivered. Nothing is removed before it was
 * acknowledged; after a crash some records may be delivered twice, which the server knows
 * how to take. A record that was cut off by the crash or by a full disk ends its segment.
 *
 * Everything is synchronous: a record is a few kilobytes, it is written while the server is
 * away only, and at the exit of a process nothing else is possible.
 */
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** A frame or a step's raw samples (safetensors), an event, or the end of the run (JSON). */
export type RecordKind = 'F' | 'S' | 'E' | 'X';

/** After a record: the segment and the offset at which the next one begins. */
export interface Position {
  readonly segment: number;
  readonly offset: number;
}

export interface SpoolRecord {
  readonly kind: string;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly position: Position;
}

const MAGIC = 'SPK1';
const HEAD_BYTES = 13;
const SEGMENT_BYTES = 8 * 1024 * 1024;
const START: Position = { segment: 1, offset: 0 };

export class Spool {
  private readonly sizes = new Map<number, number>();
  private readonly segmentBytes: number;
  private tail: { readonly segment: number; readonly file: number; offset: number } | null = null;
  private cursor: Position;
  private unread: number;

  /** One writer and reader. Nothing touches the disk but to look what is there. */
  constructor(
    readonly folder: string,
    private readonly maxBytes: number,
    segmentBytes = SEGMENT_BYTES,
  ) {
    // Whole segments are dropped to keep the bound, so there are always several.
    this.segmentBytes = Math.min(segmentBytes, Math.max(1, Math.floor(maxBytes / 4)));
    for (const number of this.segments()) {
      this.sizes.set(number, statSync(this.pathOf(number)).size);
    }
    this.cursor = this.readCursor();
    this.unread = [...this.records()].length;
  }

  /** Records that wait. */
  get length(): number {
    return this.unread;
  }

  /** Behind the last record that was added. */
  get end(): Position {
    const { tail, cursor } = this;
    return tail === null ? cursor : { segment: tail.segment, offset: tail.offset };
  }

  get sizeBytes(): number {
    let sum = 0;
    for (const size of this.sizes.values()) sum += size;
    return sum;
  }

  /**
   * Adds a record; returns how many old ones had to go to keep the bound.
   *
   * Throws  what the file system does; the spool is then as it was before
   */
  append(kind: RecordKind, payload: Uint8Array): number {
    const record = Buffer.alloc(HEAD_BYTES + payload.length);
    record.write(MAGIC + kind, 0, 'latin1');
    record.writeUInt32LE(payload.length, 5);
    record.writeUInt32LE(crc32(payload), 9);
    record.set(payload, HEAD_BYTES);
    const dropped = this.makeRoom(record.length);
    const tail = this.openTail(record.length);
    try {
      let written = 0;
      while (written < record.length) {
        written += writeSync(tail.file, record, written, null, tail.offset + written);
      }
    } catch (error) {
      this.cutOff();
      throw error;
    }
    tail.offset += record.length;
    this.sizes.set(tail.segment, tail.offset);
    this.unread += 1;
    return dropped;
  }

  /** The records behind the cursor, oldest first. */
  *records(): Generator<SpoolRecord> {
    for (const number of this.segments()) {
      if (number < this.cursor.segment) continue;
      yield* this.readSegment(number, number === this.cursor.segment ? this.cursor.offset : 0);
    }
  }

  /** `count` records up to `position` were delivered, or never will be. Never throws. */
  advance(position: Position, count: number): void {
    // Dropped meanwhile to make room.
    if (position.segment < this.cursor.segment) return;
    this.cursor = position;
    this.unread = Math.max(0, this.unread - count);
    for (const number of this.segments()) if (number < position.segment) this.remove(number);
    if (this.unread === 0) this.clear();
    else this.writeCursor();
  }

  /** Removes every segment; the folder stays. Never throws. */
  clear(): void {
    this.close();
    for (const number of this.segments()) {
      this.remove(number);
      this.cursor = { segment: Math.max(this.cursor.segment, number + 1), offset: 0 };
    }
    removeFile(join(this.folder, 'cursor'));
    this.unread = 0;
  }

  close(): void {
    const { tail } = this;
    this.tail = null;
    if (tail !== null) quietly(() => closeSync(tail.file));
  }

  private makeRoom(sizeBytes: number): number {
    if (sizeBytes > this.maxBytes) {
      throw new RangeError(
        `${sizeBytes} bytes are more than the spool's bound of ${this.maxBytes}`,
      );
    }
    let dropped = 0;
    while (this.sizes.size > 0 && this.sizeBytes + sizeBytes > this.maxBytes) {
      const number = Math.min(...this.sizes.keys());
      const isDelivered = number < this.cursor.segment;
      const from = number === this.cursor.segment ? this.cursor.offset : 0;
      if (!isDelivered) dropped += [...this.readSegment(number, from)].length;
      this.remove(number);
      this.cursor = { segment: Math.max(this.cursor.segment, number + 1), offset: 0 };
      this.writeCursor();
    }
    this.unread -= dropped;
    return dropped;
  }

  private openTail(sizeBytes: number): NonNullable<Spool['tail']> {
    const { tail } = this;
    if (tail !== null && (tail.offset === 0 || tail.offset + sizeBytes <= this.segmentBytes)) {
      return tail;
    }
    this.close();
    mkdirSync(this.folder, { recursive: true });
    // Never on to a segment of an earlier process: its end may be torn.
    const segment = Math.max(this.cursor.segment, ...[...this.sizes.keys()].map((n) => n + 1));
    this.tail = { segment, file: openSync(this.pathOf(segment), 'w'), offset: 0 };
    this.sizes.set(segment, 0);
    return this.tail;
  }

  /** Takes back half a record; where even that fails its checksum tells. */
  private cutOff(): void {
    const { tail } = this;
    if (tail === null) return;
    quietly(() => ftruncateSync(tail.file, tail.offset));
    this.close();
  }

  private *readSegment(number: number, from: number): Generator<SpoolRecord> {
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.pathOf(number));
    } catch {
      // Removed meanwhile by whoever delivered it.
      return;
    }
    let offset = from;
    while (offset + HEAD_BYTES <= bytes.length) {
      const length = bytes.readUInt32LE(offset + 5);
      const begin = offset + HEAD_BYTES;
      if (bytes.toString('latin1', offset, offset + 4) !== MAGIC) return;
      if (begin + length > bytes.length) return;
      const payload = new Uint8Array(length);
      payload.set(bytes.subarray(begin, begin + length));
      if (crc32(payload) !== bytes.readUInt32LE(offset + 9)) return;
      const kind = bytes.toString('latin1', offset + 4, offset + 5);
      offset = begin + length;
      yield { kind, payload, position: { segment: number, offset } };
    }
  }

  private segments(): number[] {
    let names: string[];
    try {
      names = readdirSync(this.folder);
    } catch {
      // Nothing was kept yet, or nothing can be: `append` will say which.
      return [];
    }
    return names
      .filter((name) => /^\d+\.spool$/.test(name))
      .map((name) => Number.parseInt(name, 10))
      .sort((a, b) => a - b);
  }

  private pathOf(number: number): string {
    return join(this.folder, `${String(number).padStart(8, '0')}.spool`);
  }

  private remove(number: number): void {
    if (this.tail?.segment === number) this.close();
    this.sizes.delete(number);
    removeFile(this.pathOf(number));
  }

  private readCursor(): Position {
    try {
      const text = readFileSync(join(this.folder, 'cursor'), 'utf8');
      const [segment, offset] = text.trim().split(' ').map(Number);
      if (Number.isInteger(segment) && Number.isInteger(offset)) {
        return { segment: segment ?? 1, offset: offset ?? 0 };
      }
    } catch {
      // Never delivered: from the start.
    }
    // Cut off while it was written: at worst everything is delivered twice.
    return START;
  }

  private writeCursor(): void {
    // A full disk: what is delivered twice after a crash is known as a duplicate.
    quietly(() => {
      const temporary = join(this.folder, 'cursor.new');
      writeFileSync(temporary, `${this.cursor.segment} ${this.cursor.offset}\n`);
      renameSync(temporary, join(this.folder, 'cursor'));
    });
  }
}

function removeFile(path: string): void {
  // Gone already, or on a disk that went away: at worst it is delivered again.
  quietly(() => rmSync(path, { force: true }));
}

function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // What this costs is said at each use.
  }
}
