/**
 * When which attempt is compacted next: pure, from what is told of posts and of finished
 * units. Attempts take turns; rows that came late wait for their like; a failed attempt
 * waits longer each time.
 */
import type { CompactionUnit } from '../../lib/store/compaction/compact-attempt';
import type { AttemptId } from '../../lib/store/compaction/compaction-state';
import type { StoredPosts } from './thread-messages';

/** A block's steps and those that must follow it: before that nothing can be sealed. */
const STEPS_TO_SEAL = 128;
/** How many newer steps make another look worth its queries. */
const STEPS_BETWEEN_LOOKS = 64;
/** A late row rewrites its block and every rollup above: those that come together are taken together. */
const LATE_DELAY_MS = 2_000;
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 60_000;
/** Attempts that are neither busy nor waiting are kept for their counts; beyond this the oldest go. */
const MAX_IDLE_ATTEMPTS = 10_000;

interface Entry {
  readonly id: AttemptId;
  newestStep: number;
  /** -1 until the first unit has said it. */
  blocksTo: number;
  hotRows: number;
  hotBytes: number;
  /** Worth a unit from this time on; Infinity for none. */
  dueMs: number;
  /** Steps from here on make it due. */
  nextLookStep: number;
  hasLate: boolean;
  backoffMs: number;
}

export interface Turn {
  readonly id: AttemptId;
  readonly includesLate: boolean;
}

export interface ScheduleTotals {
  readonly hotRows: number;
  readonly hotBytes: number;
  readonly lagSteps: number;
  readonly waitingAttempts: number;
  readonly waitingBytes: number;
}

export class AttemptSchedule {
  /** In the order of their last turns. */
  readonly #entries = new Map<string, Entry>();

  /** What a start finds: everything must be looked at once, late rows too. */
  noteFound(id: AttemptId, hotRows: number, hotBytes: number, nowMs: number): void {
    const entry = this.#entry(id);
    entry.hotRows = hotRows;
    entry.hotBytes = hotBytes;
    entry.hasLate = true;
    entry.dueMs = nowMs;
  }

  noteStored(posts: StoredPosts, nowMs: number): void {
    const entry = this.#entry(posts);
    entry.newestStep = Math.max(entry.newestStep, posts.newestStep);
    entry.hotRows += posts.rows;
    entry.hotBytes += posts.sizeBytes;
    if (posts.lowestStep < entry.blocksTo) {
      entry.hasLate = true;
      entry.dueMs = Math.min(entry.dueMs, nowMs + LATE_DELAY_MS);
    }
    if (entry.newestStep >= entry.nextLookStep) entry.dueMs = Math.min(entry.dueMs, nowMs);
  }

  /** The attempt may take no more steps. */
  noteChanged(id: AttemptId, nowMs: number): void {
    const entry = this.#entry(id);
    entry.hasLate = true;
    entry.dueMs = Math.min(entry.dueMs, nowMs);
  }

  forget(runKey: string): void {
    for (const [key, entry] of this.#entries) {
      if (entry.id.runKey === runKey) this.#entries.delete(key);
    }
  }

  /** The attempt whose turn it is; null when none is due. */
  next(nowMs: number): Turn | null {
    for (const [key, entry] of this.#entries) {
      if (entry.dueMs > nowMs) continue;
      this.#entries.delete(key);
      this.#entries.set(key, entry);
      const includesLate = entry.hasLate;
      entry.hasLate = false;
      return { id: entry.id, includesLate };
    }
    return null;
  }

  /** When the next attempt is due; Infinity for never. */
  get nextDueMs(): number {
    let dueMs = Infinity;
    for (const entry of this.#entries.values()) dueMs = Math.min(dueMs, entry.dueMs);
    return dueMs;
  }

  /** Hot bytes of the attempts that are due. */
  dueBytes(nowMs: number): number {
    let bytes = 0;
    for (const entry of this.#entries.values()) if (entry.dueMs <= nowMs) bytes += entry.hotBytes;
    return bytes;
  }

  noteDone({ id, includesLate }: Turn, unit: CompactionUnit, nowMs: number): void {
    const key = keyOf(id);
    const entry = this.#entries.get(key);
    // Forgotten meanwhile.
    if (entry === undefined) return;
    if (unit.isGone) {
      this.#entries.delete(key);
      return;
    }
    entry.backoffMs = 0;
    entry.blocksTo = unit.blocksTo;
    entry.newestStep = Math.max(entry.newestStep, unit.newestStep);
    // Posts may have been counted where they were found and again when they were told.
    entry.hotRows = unit.hotLeft?.rows ?? Math.max(0, entry.hotRows - unit.hotRows);
    entry.hotBytes = unit.hotLeft?.sizeBytes ?? Math.max(0, entry.hotBytes - unit.hotBytes);
    if (unit.hasMore) {
      // Rows of other stretches may be late as well.
      entry.hasLate ||= includesLate;
      entry.dueMs = nowMs;
      return;
    }
    entry.nextLookStep = Math.max(
      unit.newestStep + STEPS_BETWEEN_LOOKS,
      unit.blocksTo + STEPS_TO_SEAL,
    );
    if (entry.hasLate) entry.dueMs = nowMs + LATE_DELAY_MS;
    else entry.dueMs = entry.newestStep >= entry.nextLookStep ? nowMs : Infinity;
    this.#dropIdle();
  }

  /** How long the attempt now waits. */
  noteFailed({ id, includesLate }: Turn, nowMs: number): number {
    const entry = this.#entry(id);
    entry.hasLate ||= includesLate;
    entry.backoffMs = Math.min(LONGEST_BACKOFF_MS, entry.backoffMs * 2 || FIRST_BACKOFF_MS);
    entry.dueMs = nowMs + entry.backoffMs;
    return entry.backoffMs;
  }

  totals(): ScheduleTotals {
    let hotRows = 0;
    let hotBytes = 0;
    let lagSteps = 0;
    let waitingAttempts = 0;
    let waitingBytes = 0;
    for (const entry of this.#entries.values()) {
      hotRows += entry.hotRows;
      hotBytes += entry.hotBytes;
      if (entry.hotRows > 0) {
        lagSteps = Math.max(lagSteps, entry.newestStep + 1 - Math.max(0, entry.blocksTo));
      }
      if (entry.dueMs < Infinity) {
        waitingAttempts++;
        waitingBytes += entry.hotBytes;
      }
    }
    return { hotRows, hotBytes, lagSteps, waitingAttempts, waitingBytes };
  }

  #entry(id: AttemptId): Entry {
    const key = keyOf(id);
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const { runKey, attempt } = id;
    const entry: Entry = {
      id: { runKey, attempt },
      newestStep: -1,
      blocksTo: -1,
      hotRows: 0,
      hotBytes: 0,
      dueMs: Infinity,
      // Its first look tells where it stands.
      nextLookStep: -1,
      hasLate: true,
      backoffMs: 0,
    };
    this.#entries.set(key, entry);
    return entry;
  }

  #dropIdle(): void {
    if (this.#entries.size <= MAX_IDLE_ATTEMPTS) return;
    for (const [key, entry] of this.#entries) {
      if (entry.dueMs < Infinity) continue;
      this.#entries.delete(key);
      if (this.#entries.size <= MAX_IDLE_ATTEMPTS) return;
    }
  }
}

function keyOf({ runKey, attempt }: AttemptId): string {
  return `${runKey}/${attempt}`;
}
