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
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
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
  /** Records up to here, counted from where this process found the cursor. */
  readonly sequence: number;
}

export interface SpoolRecord {
  readonly kind: string;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly position: Position;
}

const MAGIC = 'SPK1';
const HEAD_BYTES = 13;
const SEGMENT_BYTES = 8 * 1024 * 1024;
/** A batch of ordinary frames takes one read. */
const READ_BYTES = 1024 * 1024;

export class Spool {
  private readonly sizes = new Map<number, number>();
  /** Behind the last record of a segment, for those that this process wrote. */
  private readonly lastSequences = new Map<number, number>();
  private readonly segmentBytes: number;
  private tail: { readonly segment: number; readonly file: number; offset: number } | null = null;
  private cursor: Position;
  /** Behind the last record of all; null: what an earlier process left was not counted yet. */
  private endSequence: number | null;
  private vanished = 0;

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
    this.endSequence = this.sizes.size === 0 ? 0 : null;
  }

  /** Records that wait. */
  get length(): number {
    return this.countToEnd() - this.cursor.sequence;
  }

  /** Whether nothing lies behind the cursor, not even half a record. */
  get isEmpty(): boolean {
    const { segment, offset } = this.cursor;
    for (const [number, size] of this.sizes) {
      if (number > segment ? size > 0 : number === segment && size > offset) return false;
    }
    return true;
  }

  /** Behind the last record that was added. */
  get end(): Position {
    const { tail, cursor } = this;
    if (tail === null) return cursor;
    return { segment: tail.segment, offset: tail.offset, sequence: this.countToEnd() };
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
    const sequence = this.countToEnd() + 1;
    const dropped = this.makeRoom(record.length);
    let tail = this.openTail(record.length);
    this.write(tail, record);
    if (fstatSync(tail.file).nlink === 0) {
      // Written into a file that nobody will find.
      this.vanished += sequence - 1 - this.cursor.sequence;
      this.startAnew(sequence - 1);
      tail = this.openTail(record.length);
      this.write(tail, record);
    }
    tail.offset += record.length;
    this.endSequence = sequence;
    this.sizes.set(tail.segment, tail.offset);
    this.lastSequences.set(tail.segment, sequence);
    return dropped;
  }

  /** How many records somebody took from the disk since this was asked last. */
  takeVanished(): number {
    const { vanished } = this;
    this.vanished = 0;
    return vanished;
  }

  /** The records behind the cursor, oldest first. */
  *records(): Generator<SpoolRecord> {
    let { sequence } = this.cursor;
    const from = this.cursor;
    for (const number of this.segments()) {
      if (number < from.segment) continue;
      const offset = number === from.segment ? from.offset : 0;
      for (const record of this.readSegment(number, offset, sequence)) {
        ({ sequence } = record.position);
        yield record;
      }
    }
  }

  /** All up to `position` were delivered, or never will be. Never throws. */
  advance(position: Position): void {
    // Dropped meanwhile to make room.
    if (position.sequence <= this.cursor.sequence) return;
    this.cursor = position;
    for (const number of this.segments()) if (number < position.segment) this.remove(number);
    if (this.isEmpty) this.clear();
    else this.writeCursor();
  }

  /** What lies behind the cursor cannot be read, or is gone: lets go of it. Never throws. */
  giveUp(): void {
    if (this.endSequence !== null) this.vanished += this.endSequence - this.cursor.sequence;
    this.clear();
  }

  /** Removes every segment; the folder stays. Never throws. */
  clear(): void {
    for (const number of this.segments()) this.remove(number);
    removeFile(join(this.folder, 'cursor'));
    this.startAnew(this.endSequence ?? this.cursor.sequence);
  }

  close(): void {
    const { tail } = this;
    this.tail = null;
    if (tail !== null) quietly(() => closeSync(tail.file));
  }

  /** Behind every segment that was. */
  private startAnew(sequence: number): void {
    this.close();
    const segment = Math.max(this.cursor.segment, ...[...this.sizes.keys()].map((n) => n + 1));
    this.cursor = { segment, offset: 0, sequence };
    this.endSequence = sequence;
    this.sizes.clear();
    this.lastSequences.clear();
  }

  private write(tail: NonNullable<Spool['tail']>, record: Buffer): void {
    try {
      let written = 0;
      while (written < record.length) {
        written += writeSync(tail.file, record, written, null, tail.offset + written);
      }
    } catch (error) {
      this.cutOff();
      throw error;
    }
  }

  private countToEnd(): number {
    if (this.endSequence === null) {
      let { sequence } = this.cursor;
      for (const number of [...this.sizes.keys()].sort((a, b) => a - b)) {
        if (number < this.cursor.segment) continue;
        sequence += this.countRecords(number, this.offsetIn(number));
        this.lastSequences.set(number, sequence);
      }
      this.endSequence = sequence;
    }
    return this.endSequence;
  }

  /** By their heads: what an earlier process left may be gigabytes. */
  private countRecords(number: number, from: number): number {
    let count = 0;
    quietly(() => {
      const file = openSync(this.pathOf(number), 'r');
      try {
        const { size } = fstatSync(file);
        const head = Buffer.alloc(HEAD_BYTES);
        let offset = from;
        while (readSync(file, head, 0, HEAD_BYTES, offset) === HEAD_BYTES) {
          if (head.toString('latin1', 0, 4) !== MAGIC) break;
          offset += HEAD_BYTES + head.readUInt32LE(5);
          if (offset > size) break;
          count += 1;
        }
      } finally {
        closeSync(file);
      }
    });
    return count;
  }

  private offsetIn(segment: number): number {
    return segment === this.cursor.segment ? this.cursor.offset : 0;
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
      const { sequence: before, segment } = this.cursor;
      const sequence = Math.max(before, this.lastSequences.get(number) ?? before);
      dropped += sequence - before;
      this.remove(number);
      this.cursor = { segment: Math.max(segment, number + 1), offset: 0, sequence };
      this.writeCursor();
    }
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

  private *readSegment(
    number: number,
    from: number,
    before: number,
  ): Generator<SpoolRecord, void, undefined> {
    let file: number;
    try {
      file = openSync(this.pathOf(number), 'r');
    } catch {
      // Removed meanwhile by whoever delivered it.
      return;
    }
    try {
      let sequence = before;
      let offset = from;
      let bytes = readAt(file, offset, READ_BYTES);
      let start = offset;
      for (;;) {
        let at = offset - start;
        if (at + HEAD_BYTES > bytes.length) {
          [bytes, start, at] = [readAt(file, offset, READ_BYTES), offset, 0];
          if (bytes.length < HEAD_BYTES) return;
        }
        if (bytes.toString('latin1', at, at + 4) !== MAGIC) return;
        const length = bytes.readUInt32LE(at + 5);
        if (at + HEAD_BYTES + length > bytes.length) {
          if (offset + HEAD_BYTES + length > fstatSync(file).size) return;
          const sizeBytes = Math.max(READ_BYTES, HEAD_BYTES + length);
          [bytes, start, at] = [readAt(file, offset, sizeBytes), offset, 0];
          if (bytes.length < HEAD_BYTES + length) return;
        }
        const begin = at + HEAD_BYTES;
        const payload = new Uint8Array(length);
        payload.set(bytes.subarray(begin, begin + length));
        if (crc32(payload) !== bytes.readUInt32LE(at + 9)) return;
        const kind = bytes.toString('latin1', at + 4, at + 5);
        offset += HEAD_BYTES + length;
        sequence += 1;
        yield { kind, payload, position: { segment: number, offset, sequence } };
      }
    } finally {
      quietly(() => closeSync(file));
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
        return { segment: segment ?? 1, offset: offset ?? 0, sequence: 0 };
      }
    } catch {
      // Never delivered: from the start.
    }
    // Cut off while it was written: at worst everything is delivered twice.
    return { segment: 1, offset: 0, sequence: 0 };
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

/** Fewer bytes where the file ends. */
function readAt(file: number, offset: number, sizeBytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(sizeBytes);
  let read = 0;
  while (read < sizeBytes) {
    const count = readSync(file, buffer, read, sizeBytes - read, offset + read);
    if (count === 0) break;
    read += count;
  }
  return buffer.subarray(0, read);
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
