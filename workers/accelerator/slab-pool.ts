/** Idle memory that is kept: a frame of 1,000 layers at 4,096 coordinates. */
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/** Buffers that carry samples to the thread and come back: a new one costs its page faults. */
export class SlabPool {
  private readonly slabs: ArrayBuffer[] = [];
  private isUsed = false;

  constructor(private readonly maxBytes = DEFAULT_MAX_BYTES) {}

  get sizeBytes(): number {
    return this.slabs.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Of at least this size, at most twice as large, with whatever it held before. */
  take(sizeBytes: number): ArrayBuffer {
    this.isUsed = true;
    const index = this.slabs.findIndex(
      ({ byteLength }) => byteLength >= sizeBytes && byteLength <= 2 * sizeBytes,
    );
    const [slab] = index < 0 ? [] : this.slabs.splice(index, 1);
    return slab ?? new ArrayBuffer(sizeBytes);
  }

  /** Keeps the newest: runs that post now rather than those that did. */
  give(slab: ArrayBuffer): void {
    this.slabs.push(slab);
    while (this.sizeBytes > this.maxBytes) this.slabs.shift();
  }

  /** Lets go of all where nothing was taken since this was called last. */
  releaseUnused(): void {
    if (!this.isUsed) this.slabs.length = 0;
    this.isUsed = false;
  }
}
