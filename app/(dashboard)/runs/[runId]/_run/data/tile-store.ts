import type { HeatmapColumns } from '@/lib/contract/heatmap-columns';
import type { ColumnShows } from '@/lib/view/colours/column-shows';
import { wholeAxis } from '@/lib/view/heatmap/raster-columns';
import {
  choosePieces,
  chooseTileLevel,
  stepsOfTile,
  tileGrid,
  tileKey,
  tileOfStep,
  tilesInView,
  wantedTiles,
  type AxisPiece,
  type TileAddress,
  type TileGrid,
} from '@/lib/view/heatmap/heatmap-tiles';
import { RunColumns, type FinerColumns } from '@/lib/view/heatmap/run-columns';
import type { StepAxis, StepWindow } from '@/lib/view/axes/step-axis';
import { TileCache } from '@/lib/view/heatmap/tile-cache';

/** Of tiles that are kept for a way back; half of what the page may take is left for the rest. */
const CACHE_BYTES = 96e6;
/** A gesture in flight reads nothing until it rests this long… */
const REST_MS = 50;
/** …or has gone on for so long. */
const LONGEST_WAIT_MS = 250;
/** Reads under way at once: a browser has six connections to a server, and others need some. */
const MOST_READS = 4;
/** A read that failed is tried again this much later, if it is still wanted. */
const RETRY_MS = 2000;

export type ReadTile = (
  window: StepWindow,
  columns: number,
  signal: AbortSignal,
) => Promise<HeatmapColumns>;

interface Read {
  readonly controller: AbortController;
  /** Columns that came over the socket meanwhile: the reply may not know them. */
  readonly live: HeatmapColumns[];
}

/**
 * The tiles of one metric of a run: read as a view needs them, grown by what comes over the
 * socket, dropped by the bytes they take. Draws nothing and never waits: `pieces` answers
 * with the best there is.
 */
export class TileStore implements FinerColumns {
  private readonly grid: TileGrid;
  private readonly layerFactors: Float64Array | null;
  private readonly shows: ColumnShows;
  private readonly base: () => RunColumns;
  private readonly read: ReadTile;
  private readonly onChange: () => void;
  private readonly onFailure: (cause: unknown) => void;
  private readonly cache = new TileCache<RunColumns>(CACHE_BYTES);
  /** Keys of tiles that lack steps: drawn until they are read again. */
  private readonly stale = new Set<string>();
  private readonly reads = new Map<string, Read>();
  private readonly failedAtMs = new Map<string, number>();
  private wanted: readonly TileAddress[] = [];
  private drawn: readonly AxisPiece<RunColumns>[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;
  private waitingSinceMs: number | null = null;

  constructor(options: {
    readonly layerCount: number;
    readonly layerFactors: Float64Array | null;
    readonly shows: ColumnShows;
    /** The whole run's columns as they are now. */
    readonly base: () => RunColumns;
    readonly read: ReadTile;
    readonly onChange: () => void;
    readonly onFailure: (cause: unknown) => void;
  }) {
    this.grid = tileGrid(options.layerCount);
    this.layerFactors = options.layerFactors;
    this.shows = options.shows;
    this.base = options.base;
    this.read = options.read;
    this.onChange = options.onChange;
    this.onFailure = options.onFailure;
  }

  get sizeBytes(): number {
    return this.cache.sizeBytes;
  }

  pieces(axis: StepAxis, stepPixels: number): readonly AxisPiece<RunColumns>[] {
    const base = this.base();
    const inView = this.inView(axis, stepPixels);
    if (inView.length === 0) {
      this.drawn = wholeAxis(base);
      return this.drawn;
    }
    const used: string[] = [];
    this.drawn = choosePieces(this.grid, inView, base, (address) => {
      const key = tileKey(address);
      const tile = this.cache.peek(key);
      if (tile !== null) used.push(key);
      return tile;
    });
    this.cache.use(used);
    return this.drawn;
  }

  columnsAt(step: number): RunColumns {
    const wanted = this.wantedAt(step);
    return (
      (wanted === null ? null : this.cache.peek(tileKey(wanted))) ??
      this.drawn.find(({ low, high }) => low <= step && step < high)?.columns ??
      this.base()
    );
  }

  /** Not for a tile that could not be read: when it comes nobody knows. */
  awaits(step: number): boolean {
    const wanted = this.wantedAt(step);
    if (wanted === null) return false;
    const key = tileKey(wanted);
    return this.cache.peek(key) === null && !this.failedAtMs.has(key);
  }

  lacks(axis: StepAxis, stepPixels: number): boolean {
    return this.inView(axis, stepPixels).some((address) => {
      const key = tileKey(address);
      return this.cache.peek(key) === null || this.stale.has(key);
    });
  }

  /** Reads what the view lacks once it rests, and gives up what no view asks for any more. */
  want(axis: StepAxis, stepPixels: number): void {
    const { newestStep } = this.base();
    this.wanted = wantedTiles(this.inView(axis, stepPixels)).filter(
      (address) => stepsOfTile(this.grid, address).fromStep <= (newestStep ?? -1),
    );
    const keys = new Set(this.wanted.map(tileKey));
    for (const [key, { controller }] of this.reads) {
      if (keys.has(key)) continue;
      controller.abort();
      this.reads.delete(key);
    }
    if (!this.wanted.some((address) => this.isMissing(address))) return;
    const nowMs = Date.now();
    this.waitingSinceMs ??= nowMs;
    const longest = this.waitingSinceMs + LONGEST_WAIT_MS - nowMs;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(
      () => {
        this.timer = null;
        this.waitingSinceMs = null;
        this.readMissing();
      },
      Math.max(0, Math.min(REST_MS, longest)),
    );
  }

  /** Columns as the socket brings them; `newestBefore` was the newest step until then. */
  appendLive(columns: HeatmapColumns, newestBefore: number): void {
    if (columns.columnCount === 0) return;
    this.beginTiles(columns, newestBefore);
    const first = Math.min(...columns.fromStep);
    const last = Math.max(...columns.fromStep);
    for (const [key, tile] of this.cache.entries()) {
      const window = stepsOfTile(this.grid, addressOf(key));
      if (window.fromStep <= last && first <= window.toStep) tile.append(columns, window);
    }
    for (const [key, { live }] of this.reads) {
      const { fromStep, toStep } = stepsOfTile(this.grid, addressOf(key));
      if (fromStep <= last && first <= toStep) live.push(columns);
    }
  }

  /** From this step on the socket has brought less than there is: read again what is in view. */
  markStale(fromStep: number): void {
    for (const [key] of this.cache.entries()) {
      if (stepsOfTile(this.grid, addressOf(key)).toStep >= fromStep) this.stale.add(key);
    }
    this.readMissing();
  }

  /** Forgets all: the steps are others now. */
  clear(): void {
    this.stop();
    this.cache.clear();
    this.stale.clear();
    this.failedAtMs.clear();
    this.drawn = [];
  }

  /** Ends what is under way; what is held stays. */
  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.waitingSinceMs = null;
    for (const { controller } of this.reads.values()) controller.abort();
    this.reads.clear();
    this.wanted = [];
  }

  /** The tiles of a view; none where the whole run's columns are as fine as its pixels. */
  private inView(axis: StepAxis, stepPixels: number): TileAddress[] {
    const base = this.base();
    const { firstStep, newestStep } = base;
    if (firstStep === null || newestStep === null || stepPixels === 0) return [];
    const level = chooseTileLevel(this.grid, axis, stepPixels);
    const stepsPerPixel = (axis.high - axis.low) / stepPixels;
    if (base.widestColumn(axis) <= Math.max(2 ** level, stepsPerPixel)) return [];
    return tilesInView(this.grid, axis, level, { fromStep: firstStep, toStep: newestStep });
  }

  private wantedAt(step: number): TileAddress | null {
    const holds = (address: TileAddress): boolean => {
      const { fromStep, toStep } = stepsOfTile(this.grid, address);
      return fromStep <= step && step <= toStep;
    };
    return this.wanted.find(holds) ?? null;
  }

  private isMissing(address: TileAddress): boolean {
    const key = tileKey(address);
    if (this.reads.has(key)) return false;
    if (Date.now() - (this.failedAtMs.get(key) ?? -Infinity) < RETRY_MS) return false;
    return this.cache.peek(key) === null || this.stale.has(key);
  }

  private readMissing(): void {
    for (const address of this.wanted) {
      if (this.reads.size >= MOST_READS) return;
      if (this.isMissing(address)) void this.readTile(address);
    }
  }

  private async readTile(address: TileAddress): Promise<void> {
    const key = tileKey(address);
    const window = stepsOfTile(this.grid, address);
    const controller = new AbortController();
    const read: Read = { controller, live: [] };
    this.reads.set(key, read);
    this.stale.delete(key);
    try {
      const columns = await this.read(window, this.grid.columns, controller.signal);
      if (this.reads.get(key) !== read) return;
      const tile = this.emptyTile(address);
      if (columns.columnCount > 0) tile.replace(columns);
      for (const live of read.live) tile.append(live, window);
      this.cache.set(key, tile);
      this.failedAtMs.delete(key);
      this.onChange();
    } catch (cause) {
      if (controller.signal.aborted) return;
      this.failedAtMs.set(key, Date.now());
      this.onFailure(cause);
      this.timer ??= setTimeout(() => {
        this.timer = null;
        this.readMissing();
      }, RETRY_MS);
    } finally {
      if (this.reads.get(key) === read) this.reads.delete(key);
      this.readMissing();
    }
  }

  /** A tile that begins after all that was known needs no read: the socket brings all of it. */
  private beginTiles(columns: HeatmapColumns, newestBefore: number): void {
    const level = this.wanted[0]?.level;
    if (level === undefined) return;
    for (const step of columns.fromStep) {
      const address = tileOfStep(this.grid, level, step);
      const key = tileKey(address);
      if (stepsOfTile(this.grid, address).fromStep <= newestBefore) continue;
      if (this.cache.peek(key) === null) this.cache.set(key, this.emptyTile(address));
    }
  }

  private emptyTile({ level }: TileAddress): RunColumns {
    return new RunColumns(this.grid.layerCount, this.layerFactors, 2 ** level, this.shows);
  }
}

function addressOf(key: string): TileAddress {
  const [level, index] = key.split('/').map(Number);
  return { level: level ?? 0, index: index ?? 0 };
}
