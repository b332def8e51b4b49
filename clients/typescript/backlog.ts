/**
 * What waits for the server, oldest first: records on disk, then items in memory.
 *
 * While the server answers everything stays in memory. Once it does not, `spill` moves it to
 * disk, where it outlives the job. With the disk full as well, or without one, memory is the
 * last resort, and what exceeds its bound goes, oldest first, and is counted.
 */
import { encodeFrames } from '../../lib/contract/encode-frames';
import { decodeSafetensorsFrames } from '../../lib/contract/frames-safetensors';
import { decodePostedSamples } from '../../lib/contract/posted-samples';
import { createEventSchema, finishRunSchema } from '../../lib/contract/runs';
import { type Batch, type BatchLimits, FrameQueue, type QueueItem } from './frame-queue';
import type { KeptRun } from './kept-run';
import type { Position, RecordKind, SpoolRecord } from './spool';

/** How long a disk that did not take a record is left alone. */
const DISK_RETRY_MS = 30_000;

export interface BacklogSettings {
  readonly maxMemoryBytes: number;
  /** null: memory alone. */
  readonly kept: KeptRun | null;
  /** Never goes back, in milliseconds. */
  readonly monotonic: () => number;
  /** Before the first record: writes how the run is opened. */
  readonly describe: () => void;
  readonly onDrop: (count: number, kind: string, reason: string) => void;
  readonly onDisk: (problem: string) => void;
}

export class Backlog {
  private readonly memory: FrameQueue;
  /** The batch under way lies on disk up to here; null: in memory. */
  private heldOnDisk: Position | null = null;
  private heldInMemory = 0;
  private diskAgainMs = 0;
  private spilled = 0;

  constructor(private readonly settings: BacklogSettings) {
    this.memory = new FrameQueue(settings.maxMemoryBytes);
  }

  get length(): number {
    return this.memory.length + (this.settings.kept?.spool.length ?? 0);
  }

  /** As `length` is 0, and cheaper on what another process left. */
  get isEmpty(): boolean {
    return this.memory.length === 0 && this.isDiskEmpty;
  }

  private get isDiskEmpty(): boolean {
    return this.settings.kept?.spool.isEmpty ?? true;
  }

  /** In memory. */
  get sizeBytes(): number {
    return this.memory.sizeBytes;
  }

  /** Items that went to disk so far. */
  get spilledCount(): number {
    return this.spilled;
  }

  push(item: QueueItem): void {
    const { maxMemoryBytes, onDrop } = this.settings;
    if (this.memory.sizeBytes + item.sizeBytes > maxMemoryBytes) this.spill();
    const dropped = this.memory.push(item);
    if (dropped.length > 0) {
      const mebibytes = Math.round(maxMemoryBytes / 2 ** 20);
      onDrop(dropped.length, 'full queue', `${mebibytes} MiB wait already; the oldest go first`);
    }
  }

  /**
   * Moves memory to disk, oldest first; false where there is no disk or it takes nothing.
   * Urgent at the end of a process: a disk that failed a moment ago is asked once more.
   */
  spill({ isUrgent = false } = {}): boolean {
    const { kept, monotonic, onDisk } = this.settings;
    if (this.memory.length === 0) return true;
    if (kept === null || (!isUrgent && monotonic() < this.diskAgainMs)) return false;
    let moved = 0;
    let last: Position | null = null;
    try {
      for (const item of this.memory.peek()) {
        this.append(kept, ...this.toRecord(item));
        moved += 1;
        if (moved === this.heldInMemory) last = kept.spool.end;
      }
    } catch (error) {
      this.diskAgainMs = monotonic() + DISK_RETRY_MS;
      onDisk(`steps cannot be kept on disk (${String(error)}); they wait in memory`);
    }
    this.spilled += moved;
    if (this.heldInMemory > 0 && last !== null) this.heldOnDisk = last;
    // Half of a batch on disk is delivered once more, as duplicates.
    this.heldInMemory = Math.max(0, this.heldInMemory - moved);
    this.memory.take(moved);
    return this.memory.length === 0;
  }

  private append(kept: KeptRun, kind: RecordKind, payload: Uint8Array): void {
    const { describe, onDrop } = this.settings;
    if (kept.spool.isEmpty) describe();
    const lost = kept.spool.append(kind, payload);
    if (lost > 0) onDrop(lost, 'full spool', 'the oldest go first');
    const vanished = kept.spool.takeVanished();
    if (vanished === 0) return;
    describe();
    this.sayVanished(vanished, kept);
  }

  private sayVanished(count: number, kept: KeptRun): void {
    this.settings.onDrop(count, 'gone from disk', `somebody took them from ${kept.folder}`);
  }

  /** The end of the run, behind all that waits; false where there is no disk for it. */
  keepFinish(status: string): boolean {
    const { kept } = this.settings;
    if (kept === null || !this.spill({ isUrgent: true })) return false;
    try {
      this.append(kept, 'X', Buffer.from(JSON.stringify({ status })));
      return true;
    } catch (error) {
      this.settings.onDisk(`the end of the run cannot be kept on disk (${String(error)})`);
      return false;
    }
  }

  /** The oldest batch, held until `settle`; null when nothing waits. Steps within it ascend. */
  hold(limits: BatchLimits): Batch | null {
    const { kept } = this.settings;
    if (kept !== null && !kept.spool.isEmpty) {
      const batch = this.holdFromDisk(kept, limits);
      if (batch !== null) return batch;
      // Torn by a crash, or removed: asked again it would never end.
      kept.spool.giveUp();
      const vanished = kept.spool.takeVanished();
      if (vanished > 0) this.sayVanished(vanished, kept);
    }
    const batch = this.memory.hold(limits);
    this.heldInMemory = batch?.itemCount ?? 0;
    return batch;
  }

  /** Of the oldest frame that waits; null: none does. */
  firstStep(): number | null {
    const { kept } = this.settings;
    if (kept !== null && !kept.spool.isEmpty) {
      for (const record of kept.spool.records()) {
        const item = record.kind === 'F' ? this.fromRecord(record, kept) : null;
        if (item?.kind === 'frame') return item.frame.step;
      }
    }
    for (const item of this.memory.peek()) if (item.kind === 'frame') return item.frame.step;
    return null;
  }

  /** It was stored, or it never will be. */
  settle(): void {
    const { heldOnDisk } = this;
    this.heldOnDisk = null;
    this.heldInMemory = 0;
    if (heldOnDisk === null) this.memory.settle();
    else this.settings.kept?.spool.advance(heldOnDisk);
  }

  /** Empties memory and returns how many items were in it. What is on disk stays. */
  clear(): number {
    this.heldInMemory = 0;
    return this.memory.clear().length;
  }

  private holdFromDisk(kept: KeptRun, limits: BatchLimits): Batch | null {
    const trial = new FrameQueue(Infinity);
    const positions: Position[] = [];
    for (const record of kept.spool.records()) {
      const item = this.fromRecord(record, kept);
      if (item === null) {
        // Alone in its place it is passed over; behind others it waits for its turn.
        if (positions.length > 0) break;
        kept.spool.advance(record.position);
        continue;
      }
      trial.push(item);
      positions.push(record.position);
      const isOfSteps = item.kind === 'frame' || item.kind === 'samples';
      if (!isOfSteps || positions.length >= limits.maxFrames) break;
      if (trial.sizeBytes > limits.maxBytes) break;
    }
    const batch = trial.hold(limits);
    const position = batch === null ? undefined : positions[batch.itemCount - 1];
    if (batch === null || position === undefined) return null;
    this.heldOnDisk = position;
    return batch;
  }

  private toRecord(item: QueueItem): [RecordKind, Uint8Array] {
    switch (item.kind) {
      case 'frame':
      case 'samples': {
        const { layerOffset } = item;
        const body = encodeFrames([item.frame], layerOffset === null ? {} : { layerOffset });
        return [item.kind === 'frame' ? 'F' : 'S', body];
      }
      case 'event':
        return ['E', Buffer.from(JSON.stringify(item.event))];
      case 'finish':
        return ['X', Buffer.from(JSON.stringify({ status: item.status }))];
    }
  }

  /** null, counted and said, where another version wrote it. */
  private fromRecord({ kind, payload }: SpoolRecord, kept: KeptRun): QueueItem | null {
    const sizeBytes = payload.length;
    try {
      if (kind === 'F' || kind === 'S') {
        const decode = kind === 'F' ? decodeSafetensorsFrames : decodePostedSamples;
        const { frames, layerOffset } = decode(payload);
        const [frame] = frames;
        if (frame !== undefined) {
          return { kind: kind === 'F' ? 'frame' : 'samples', frame, layerOffset, sizeBytes };
        }
      } else {
        const value: unknown = JSON.parse(Buffer.from(payload).toString());
        if (kind === 'E') {
          return { kind: 'event', event: createEventSchema.parse(value), sizeBytes };
        }
        if (kind === 'X') {
          return { kind: 'finish', status: finishRunSchema.parse(value).status, sizeBytes };
        }
      }
    } catch {
      // Said below.
    }
    this.settings.onDrop(1, 'unreadable', `a record of ${kept.folder} is of another version`);
    return null;
  }
}
