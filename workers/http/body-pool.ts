/**
 * Memory for bodies of requests and replies, used again. A body of half a megabyte a millisecond that is
 * allocated anew outlives two young collections while its post waits for the commit, and what
 * then piles up outside the heap makes the engine mark all of it four times a second.
 */

/** Below this the allocator is as fast; the largest posts are too rare to be kept for. */
const SMALLEST_BYTES = 16 * 1024;
const LARGEST_BYTES = 8 * 1024 * 1024;
/** Sixteen posts of a client that catches up, and twice that many of one step. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024;

/** How often a process looks for what was not lent: after a burst it is tens of megabytes. */
export const UNUSED_AFTER_MS = 60_000;

interface SlabsOfSize {
  readonly free: ArrayBuffer[];
  /** How many were never lent since the last look at the unused. */
  unused: number;
}

export class BodyPool {
  /** By size, a power of two. */
  readonly #kept = new Map<number, SlabsOfSize>();
  #keptBytes = 0;

  constructor(
    private readonly maxKeptBytes = MAX_KEPT_BYTES,
    private readonly largestBytes = LARGEST_BYTES,
  ) {}

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Bytes of any content, the first at a multiple of 8; null for a size that is not kept. */
  take(sizeBytes: number): Uint8Array<ArrayBuffer> | null {
    const slabBytes = this.#slabSize(sizeBytes);
    if (slabBytes === null) return null;
    const kept = this.#kept.get(slabBytes);
    const slab = kept?.free.pop();
    if (kept !== undefined && slab !== undefined) {
      this.#keptBytes -= slabBytes;
      kept.unused = Math.min(kept.unused, kept.free.length);
    }
    return new Uint8Array(slab ?? new ArrayBuffer(slabBytes), 0, sizeBytes);
  }

  /** Nobody reads the body, or a view into it, any more. */
  give({ buffer, byteLength }: Uint8Array): void {
    const { byteLength: slabBytes } = buffer;
    if (!(buffer instanceof ArrayBuffer) || slabBytes !== this.#slabSize(byteLength)) return;
    if (this.#keptBytes + slabBytes > this.maxKeptBytes) return;
    const kept = this.#kept.get(slabBytes) ?? { free: [], unused: 0 };
    this.#kept.set(slabBytes, kept);
    kept.free.push(buffer);
    this.#keptBytes += slabBytes;
  }

  /** Lets go of memory that was not lent since this was called last. */
  releaseUnused(): void {
    for (const [slabBytes, kept] of this.#kept) {
      // The last to come are lent first.
      this.#keptBytes -= kept.free.splice(0, kept.unused).length * slabBytes;
      kept.unused = kept.free.length;
    }
  }

  #slabSize(sizeBytes: number): number | null {
    if (sizeBytes < SMALLEST_BYTES || sizeBytes > this.largestBytes) return null;
    return 2 ** Math.ceil(Math.log2(sizeBytes));
  }
}
