interface Sized {
  /** May change while the tile is held. */
  readonly sizeBytes: number;
}

/**
 * Tiles by key, in bounded memory: past the limit those go that were not drawn for longest.
 * What is in view is never dropped, however large.
 */
export class TileCache<T extends Sized> {
  private readonly limitBytes: number;
  /** Ascending in last use. */
  private readonly tiles = new Map<string, T>();
  private inView: ReadonlySet<string> = new Set();

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get sizeBytes(): number {
    let bytes = 0;
    for (const { sizeBytes } of this.tiles.values()) bytes += sizeBytes;
    return bytes;
  }

  get size(): number {
    return this.tiles.size;
  }

  /** The tile, for a look that is no use: null where it is not held. */
  peek(key: string): T | null {
    return this.tiles.get(key) ?? null;
  }

  entries(): IterableIterator<[string, T]> {
    return this.tiles.entries();
  }

  set(key: string, tile: T): void {
    this.tiles.delete(key);
    this.tiles.set(key, tile);
    this.trim();
  }

  /** These are drawn now. */
  use(keys: readonly string[]): void {
    this.inView = new Set(keys);
    for (const key of keys) {
      const tile = this.tiles.get(key);
      if (tile === undefined) continue;
      this.tiles.delete(key);
      this.tiles.set(key, tile);
    }
    this.trim();
  }

  clear(): void {
    this.tiles.clear();
  }

  private trim(): void {
    let bytes = this.sizeBytes;
    for (const [key, { sizeBytes }] of this.tiles) {
      if (bytes <= this.limitBytes) return;
      if (this.inView.has(key)) continue;
      this.tiles.delete(key);
      bytes -= sizeBytes;
    }
  }
}
