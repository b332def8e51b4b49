import { canShareBody } from '../../lib/contract/encode-frames';
import type { Frame } from '../../lib/contract/frame';
import type { CreateEvent, FinishStatus } from '../../lib/contract/runs';

export type QueueItem =
  | {
      /** samples: of a step whose frame went before, and nothing else. */
      readonly kind: 'frame' | 'samples';
      readonly frame: Frame;
      /** null: of all layers. */
      readonly layerOffset: number | null;
      readonly sizeBytes: number;
    }
  | { readonly kind: 'event'; readonly event: CreateEvent; readonly sizeBytes: number }
  | { readonly kind: 'finish'; readonly status: FinishStatus; readonly sizeBytes: number };

/** What one request carries: frames or samples that are alike, or one event, or the end. */
export type Batch =
  | {
      readonly kind: 'frames' | 'samples';
      readonly frames: readonly Frame[];
      readonly layerOffset: number | null;
      readonly itemCount: number;
    }
  | { readonly kind: 'event'; readonly event: CreateEvent; readonly itemCount: 1 }
  | { readonly kind: 'finish'; readonly status: FinishStatus; readonly itemCount: 1 };

export interface BatchLimits {
  readonly maxFrames: number;
  readonly maxBytes: number;
}

/**
 * First in, first out, bounded in bytes. When it is full the oldest waiting items go: a
 * person who watches a run wants the newest steps, and the loss is counted either way.
 * The items of the batch that is under way stay until it is settled.
 */
export class FrameQueue {
  private readonly items: QueueItem[] = [];
  private heldCount = 0;
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  get length(): number {
    return this.items.length;
  }

  get sizeBytes(): number {
    return this.bytes;
  }

  /**
   * Appends, and returns what had to go to make room: older items, or the new one itself. One
   * that is larger than the bound is taken where nothing else waits, and costs nothing else.
   */
  push(item: QueueItem): readonly QueueItem[] {
    if (item.sizeBytes > this.maxBytes && this.items.length > 0) return [item];
    const dropped: QueueItem[] = [];
    while (this.bytes + item.sizeBytes > this.maxBytes && this.items.length > this.heldCount) {
      const [oldest] = this.items.splice(this.heldCount, 1);
      if (oldest === undefined) break;
      this.bytes -= oldest.sizeBytes;
      dropped.push(oldest);
    }
    const isFull = this.bytes + item.sizeBytes > this.maxBytes;
    if (isFull && this.items.length > 0) return [...dropped, item];
    this.items.push(item);
    this.bytes += item.sizeBytes;
    return dropped;
  }

  /** The next batch, held until `settle`; null when nothing waits. Steps within it ascend. */
  hold({ maxFrames, maxBytes }: BatchLimits): Batch | null {
    const [first] = this.items;
    if (first === undefined) return null;
    if (first.kind === 'event' || first.kind === 'finish') {
      this.heldCount = 1;
      if (first.kind === 'event') return { kind: 'event', event: first.event, itemCount: 1 };
      return { kind: 'finish', status: first.status, itemCount: 1 };
    }
    const frames: Frame[] = [];
    let bytes = 0;
    for (const item of this.items) {
      if (item.kind !== first.kind || frames.length >= maxFrames) break;
      const last = frames.at(-1);
      if (last !== undefined) {
        const fits = bytes + item.sizeBytes <= maxBytes && item.layerOffset === first.layerOffset;
        if (!fits || item.frame.step <= last.step || !canShareBody(first.frame, item.frame)) break;
      }
      frames.push(item.frame);
      bytes += item.sizeBytes;
    }
    this.heldCount = frames.length;
    const { layerOffset } = first;
    const kind = first.kind === 'frame' ? 'frames' : 'samples';
    return { kind, frames, layerOffset, itemCount: frames.length };
  }

  /** Removes the held batch: it was stored, or it never will be. */
  settle(): void {
    for (const item of this.items.splice(0, this.heldCount)) this.bytes -= item.sizeBytes;
    this.heldCount = 0;
  }

  /** All that is in it, the held batch first. */
  peek(): readonly QueueItem[] {
    return this.items;
  }

  /** Removes the first `count`, held or not: they are kept elsewhere. */
  take(count: number): void {
    for (const item of this.items.splice(0, count)) this.bytes -= item.sizeBytes;
    this.heldCount = Math.max(0, this.heldCount - count);
  }

  /** Empties the queue and returns what was in it. */
  clear(): readonly QueueItem[] {
    this.heldCount = 0;
    this.bytes = 0;
    return this.items.splice(0);
  }
}
