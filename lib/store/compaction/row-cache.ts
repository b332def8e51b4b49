/**
 * Level-0 rows that are summed up while their blocks are written, so that the blocks need not
 * be read again when the row is sealed: a quarter of compaction's time. Memory of what is in
 * the store: where it has a gap, the row is read.
 *
 * Kept are accumulators of the rows of an attempt from a step on at which the cache knew that
 * nothing before it lies in the row. Every unit begins by saying where blocks end; when that
 * is not where the last one left it, somebody else has written, and all is forgotten.
 */
import { rowSteps } from './block-layout';
import type { MetricBlock } from './block-rows';
import type { BlockSpan } from './choose-spans';
import type { AttemptId } from './compaction-state';
import { MetricRollupAccumulator } from './metric-rollup';

export interface CachedRow {
  readonly accumulator: MetricRollupAccumulator;
  /** Reported steps of the metric in the row. */
  columns: number;
}

interface Entry {
  /** Rows from this step on are whole. */
  from: number;
  /** Where blocks ended when the last unit was committed. */
  blocksTo: number;
  /** By row, then by metric. */
  readonly rows: Map<number, Map<number, CachedRow>>;
  sizeBytes: number;
}

/** Eight attempts of 1,000 layers × 16 metrics; the others' rows are read. */
const MAX_BYTES = 160 * 1024 * 1024;

export class RowCache {
  /** In the order of their last units. */
  readonly #entries = new Map<string, Entry>();
  #sizeBytes = 0;

  constructor(private readonly maxBytes = MAX_BYTES) {}

  /** A unit that writes blocks from `blocksTo` on begins. */
  begin(id: AttemptId, blocksTo: number): void {
    const key = keyOf(id);
    const known = this.#entries.get(key);
    if (known !== undefined && known.blocksTo === blocksTo) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return;
    }
    this.drop(id);
    this.#entries.set(key, { from: blocksTo, blocksTo, rows: new Map(), sizeBytes: 0 });
  }

  /** The unit's block of one metric; blocks come in ascending order. */
  add(id: AttemptId, layerCount: number, span: BlockSpan, block: MetricBlock): void {
    const entry = this.#entries.get(keyOf(id));
    if (entry === undefined) return;
    const steps = rowSteps(0);
    const row = Math.floor(span.firstStep / steps);
    if (span.span > steps) {
      // It lies in many rows, of which few pay.
      entry.from = span.firstStep + span.span;
      return;
    }
    if (row * steps < entry.from) return;
    const metrics = entry.rows.get(row) ?? new Map<number, CachedRow>();
    entry.rows.set(row, metrics);
    const cached = metrics.get(block.metricId) ?? this.#open(entry, layerCount, row);
    metrics.set(block.metricId, cached);
    cached.columns += block.offsets.length;
    cached.accumulator.addBlock(block.firstStep, block.offsets, block.values);
    this.#evict(keyOf(id));
  }

  /** The row's metrics, when the cache has the whole of it. They are the caller's now. */
  take(id: AttemptId, row: number): ReadonlyMap<number, CachedRow> | null {
    const entry = this.#entries.get(keyOf(id));
    if (entry === undefined || row * rowSteps(0) < entry.from) return null;
    const metrics = entry.rows.get(row) ?? new Map<number, CachedRow>();
    entry.rows.delete(row);
    for (const { accumulator } of metrics.values()) this.#release(entry, accumulator.sizeBytes);
    return metrics;
  }

  /** The unit is committed. */
  commit(id: AttemptId, blocksTo: number): void {
    const entry = this.#entries.get(keyOf(id));
    if (entry !== undefined) entry.blocksTo = blocksTo;
  }

  /** The unit failed, or blocks that were there have changed. */
  drop(id: AttemptId): void {
    const key = keyOf(id);
    const entry = this.#entries.get(key);
    this.#sizeBytes -= entry?.sizeBytes ?? 0;
    this.#entries.delete(key);
  }

  #open(entry: Entry, layerCount: number, row: number): CachedRow {
    const accumulator = new MetricRollupAccumulator(layerCount);
    accumulator.begin(0, row);
    entry.sizeBytes += accumulator.sizeBytes;
    this.#sizeBytes += accumulator.sizeBytes;
    return { accumulator, columns: 0 };
  }

  #release(entry: Entry, sizeBytes: number): void {
    entry.sizeBytes -= sizeBytes;
    this.#sizeBytes -= sizeBytes;
  }

  /** Attempts that have not had a unit for longest go first; `current` only if it alone is too large. */
  #evict(current: string): void {
    for (const [key, entry] of this.#entries) {
      if (this.#sizeBytes <= this.maxBytes) return;
      if (key === current && this.#entries.size > 1) continue;
      this.#sizeBytes -= entry.sizeBytes;
      this.#entries.delete(key);
    }
  }
}

function keyOf({ runKey, attempt }: AttemptId): string {
  return `${runKey}/${attempt}`;
}
