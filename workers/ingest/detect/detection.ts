/**
 * The detectors of all attempts that post, each brought up from the store when it is first
 * needed. Nothing here fails or holds up a post: what detection misses while it loads or
 * after a failure is in the store, and is read from there when it loads again.
 */
import type { LiveEvent } from '../../../lib/contract/live';
import type { Database } from '../../../lib/store/database';
import { findRunsBehind } from '../../../lib/store/findings/findings';
import type { RunAttempt, RunContext } from '../../../lib/store/runs/run-context';
import type { StoreLogger } from '../../../lib/store/store-logger';
import type { AttemptDetection, WatchListener } from './attempt-detection';
import { loadDetection } from './load-detection';
import type { FindingMessage } from './step-findings';
import { type StepPart, copyPart } from './step-feed';

export interface DetectionOptions {
  readonly db: Database;
  readonly logger: StoreLogger;
  readonly now: () => Date;
  readonly publish: (event: LiveEvent) => void;
  readonly onWatched: WatchListener;
  /** What was found up to this step is written. */
  readonly onSettled: (
    id: { readonly runKey: string; readonly attempt: number },
    step: number,
  ) => void;
}

export interface DetectionStatus {
  readonly attempts: number;
  readonly latePosts: number;
  readonly passedGaps: number;
  readonly failures: number;
  /** Writes of findings that failed; what they held is written with the next. */
  readonly failedWrites: number;
}

/** Whose steps: a run's, of one attempt. */
export interface Target {
  readonly run: RunContext;
  readonly attempt: RunAttempt;
}

interface Entry extends Target {
  readonly loading: Promise<AttemptDetection>;
  /** null while it loads, and after a failure. */
  detection: AttemptDetection | null;
  failedAtMs: number | null;
  usedAtMs: number;
  /** The step that `onSettled` was last told. */
  settledStep: number;
}

/** A first post waits this long for the detectors to load; usually it takes a few milliseconds. */
const LONGEST_LOAD_WAIT_MS = 200;
/** After a failure the next try comes with a post after this, not with every post. */
const RETRY_AFTER_MS = 10_000;
/** Of attempts that no longer post the state is in the store. */
const IDLE_AFTER_MS = 600_000;
/** 1.3 kB a layer: 260 MB. */
const MAX_HELD_LAYERS = 200_000;
/** An import of thousands of steps a second saves its state as often as a live run. */
const SAVE_AFTER_MS = 5_000;
/**
 * All states of 16 runs of 1,000 layers in 5 s, 4 MB a second; of 100 such runs it would be
 * half as much as their frames. What is replayed instead after a kill takes a second more.
 */
const SAVED_LAYERS_PER_SECOND = 3_200;

export class Detection {
  readonly #options: DetectionOptions;
  /** In the order of use, the least recent first. */
  readonly #entries = new Map<string, Entry>();
  #heldLayers = 0;
  #failures = 0;
  #failedWrites = 0;
  #latePosts = 0;
  #passedGaps = 0;

  constructor(options: DetectionOptions) {
    this.#options = options;
  }

  /**
   * To be called before the commit of a post: what is stored before detection is loaded is
   * read from the store then, and announced to nobody. Waits for the load, but not long.
   */
  async prepare(target: Target): Promise<void> {
    const entry = this.#open(target);
    if (entry.detection !== null || entry.failedAtMs !== null) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LONGEST_LOAD_WAIT_MS);
    });
    // A failure is counted and logged where it happens.
    await Promise.race([entry.loading.then(nothing, nothing), patience]);
    clearTimeout(timer);
  }

  /**
   * Committed posts of one request; returns what they made known. `isNew` says which were
   * not stored before: a retry is looked at too, since its first commit may have gone unseen.
   */
  observe(
    target: Target,
    posts: readonly { readonly part: StepPart; readonly isNew: boolean }[],
  ): FindingMessage[] {
    const entry = this.#open(target);
    if (entry.detection !== null) return this.#watch(entry, (loaded) => this.#look(loaded, posts));
    if (entry.failedAtMs === null) {
      // The posts' memory is used again once they are answered.
      const copies = posts.map(({ part, isNew }) => ({ part: copyPart(part), isNew }));
      void entry.loading.then(
        () => this.#watch(entry, (loaded) => this.#look(loaded, copies)),
        nothing,
      );
    }
    return [];
  }

  #look(
    detection: AttemptDetection,
    posts: readonly { readonly part: StepPart; readonly isNew: boolean }[],
  ): FindingMessage[] {
    return posts.flatMap(({ part, isNew }) => detection.observe([part], this.#nowMs(), isNew));
  }

  /** Nothing more comes: gaps are passed over, and everything is written before this resolves. */
  async finish(run: RunContext): Promise<void> {
    const { id, runKey } = run;
    const newest = run.attempts.at(-1);
    if (newest !== undefined) this.#open({ run, attempt: newest });
    for (const [key, entry] of this.#entriesOf(runKey)) {
      const detection = await entry.loading.catch(nothing);
      if (detection === undefined) continue;
      this.#watch(entry, (loaded) => [
        ...loaded.passGaps(this.#nowMs(), 'all'),
        ...loaded.conclude(),
      ]);
      try {
        await detection.flush(this.#nowMs(), true);
        this.#tellSettled(entry);
        this.#drop(key, entry);
      } catch (error) {
        this.#failWrite(id, error);
      }
    }
  }

  /**
   * Writes what has been found so far before it resolves: how far detectors are with the newest
   * attempt. null where nobody posts to it lately, or nothing can be written.
   */
  async settle({ runKey, id, newestAttempt }: RunContext): Promise<{
    readonly step: number;
    readonly watchedFromStep: number | null;
  } | null> {
    const entry = this.#entries.get(`${runKey}/${newestAttempt}`);
    const detection = await entry?.loading.catch(nothing);
    if (entry?.detection == null || detection === undefined) return null;
    const { newestStep: step, watchedFromStep } = detection.detector;
    try {
      await detection.flush(this.#nowMs());
    } catch (error) {
      this.#failWrite(id, error);
      return null;
    }
    return step < 0 ? null : { step, watchedFromStep };
  }

  /** The run is being deleted. */
  forget(runKey: string): void {
    for (const [key, entry] of this.#entriesOf(runKey)) {
      entry.detection?.dispose();
      void entry.loading.then((detection) => {
        detection.dispose();
      }, nothing);
      this.#drop(key, entry);
    }
  }

  /** To be called about once a second: gaps become overdue, states are saved, the idle leave. */
  tick(): void {
    const nowMs = this.#nowMs();
    for (const [key, entry] of this.#entries) {
      const { detection } = entry;
      if (detection === null) continue;
      this.#watch(entry, (loaded) => loaded.passGaps(nowMs, 'overdue'));
      if (detection.isDue(nowMs)) this.#flush(entry, detection);
      else this.#tellSettled(entry);
      if (nowMs - entry.usedAtMs > IDLE_AFTER_MS) this.#leave(key, entry, detection);
    }
  }

  /** Looks at what a worker before this one stored and did not look at. */
  async catchUp(findRun: (id: string) => Promise<RunContext>): Promise<void> {
    for (const id of await findRunsBehind(this.#options.db)) {
      try {
        const run = await findRun(id);
        const attempt = run.attempts.at(-1);
        if (attempt === undefined) continue;
        await this.#open({ run, attempt }).loading;
        if (run.status !== 'running') await this.finish(run);
      } catch (error) {
        this.#options.logger.error({ error, run: id }, 'the steps of a run cannot be looked at');
      }
    }
  }

  /** Writes everything, gaps aside: what waits for them is in the store. */
  async close(): Promise<void> {
    const flushed = Array.from(this.#entries.values(), async ({ loading, run }) => {
      try {
        await (await loading).flush(this.#nowMs(), true);
      } catch (error) {
        this.#options.logger.error({ error, run: run.id }, 'findings are left to the next start');
      }
    });
    await Promise.all(flushed);
    this.#entries.clear();
  }

  status(): DetectionStatus {
    let latePosts = this.#latePosts;
    let passedGaps = this.#passedGaps;
    for (const { detection } of this.#entries.values()) {
      latePosts += detection?.counts.late ?? 0;
      passedGaps += detection?.counts.passed ?? 0;
    }
    return {
      attempts: this.#entries.size,
      latePosts,
      passedGaps,
      failures: this.#failures,
      failedWrites: this.#failedWrites,
    };
  }

  #nowMs(): number {
    return this.#options.now().getTime();
  }

  #entriesOf(runKey: string): [string, Entry][] {
    return [...this.#entries].filter(([, { run }]) => run.runKey === runKey);
  }

  #open(target: Target): Entry {
    const key = `${target.run.runKey}/${target.attempt.attempt}`;
    const known = this.#entries.get(key);
    this.#entries.delete(key);
    const nowMs = this.#nowMs();
    const isUsable =
      known !== undefined &&
      (known.failedAtMs === null || nowMs - known.failedAtMs < RETRY_AFTER_MS);
    const entry = isUsable ? known : this.#load(target, nowMs);
    entry.usedAtMs = nowMs;
    this.#entries.set(key, entry);
    this.#makeRoom(key);
    return entry;
  }

  #load({ run, attempt }: Target, nowMs: number): Entry {
    const { db, logger, onWatched } = this.#options;
    const loading = loadDetection(
      {
        db,
        logger,
        onWatched,
        nowMs: () => this.#nowMs(),
        loadAttempt: (older) => this.#open({ run, attempt: older }).loading,
        saveAfterMs: () =>
          Math.max(SAVE_AFTER_MS, (this.#heldLayers * 1000) / SAVED_LAYERS_PER_SECOND),
      },
      run,
      attempt,
    );
    const entry: Entry = {
      run,
      attempt,
      loading,
      detection: null,
      failedAtMs: null,
      usedAtMs: nowMs,
      settledStep: -1,
    };
    loading.then(
      (detection) => {
        entry.detection = detection;
        this.#flush(entry, detection);
      },
      (error: unknown) => {
        this.#fail(entry, error);
      },
    );
    return entry;
  }

  /** Feeds detectors and tells what they found. */
  #watch(entry: Entry, feed: (detection: AttemptDetection) => FindingMessage[]): FindingMessage[] {
    const { detection, run } = entry;
    if (detection === null) return [];
    let messages: FindingMessage[];
    try {
      messages = feed(detection);
    } catch (error) {
      this.#fail(entry, error);
      return [];
    }
    for (const { id, ...message } of messages) {
      this.#options.publish({ runId: run.id, ...message, ...(id === null ? {} : { id }) });
    }
    if (detection.isDue(this.#nowMs())) this.#flush(entry, detection);
    else this.#tellSettled(entry);
    return messages;
  }

  #flush(entry: Entry, detection: AttemptDetection): void {
    detection.flush(this.#nowMs()).then(
      () => {
        this.#tellSettled(entry);
      },
      (error: unknown) => {
        this.#failWrite(entry.run.id, error);
      },
    );
  }

  #tellSettled(entry: Entry): void {
    const { run, attempt, detection } = entry;
    const step = detection?.settledStep ?? -1;
    if (step <= entry.settledStep) return;
    entry.settledStep = step;
    this.#options.onSettled({ runKey: run.runKey, attempt: attempt.attempt }, step);
  }

  /** What could not be written is tried again with the next step, or the next tick. */
  #failWrite(run: string, error: unknown): void {
    this.#failedWrites++;
    this.#options.logger.error({ error, run }, 'findings wait for the database');
  }

  #fail(entry: Entry, error: unknown): void {
    const { run, attempt } = entry;
    this.#failures++;
    this.#count(entry);
    // What it holds may be half of a step: the store has it all.
    entry.detection?.dispose();
    entry.detection = null;
    entry.failedAtMs = this.#nowMs();
    this.#options.logger.error(
      { error, run: run.id, attempt: attempt.attempt },
      'detection failed; it starts again from its saved state',
    );
  }

  /** Older attempts and idle runs leave once their state is saved. */
  #makeRoom(inUse: string): void {
    let held = 0;
    for (const { run } of this.#entries.values()) held += run.layerCount;
    this.#heldLayers = held;
    for (const [key, entry] of this.#entries) {
      if (held <= MAX_HELD_LAYERS) return;
      if (key === inUse || entry.detection === null) continue;
      held -= entry.run.layerCount;
      this.#leave(key, entry, entry.detection);
    }
  }

  #leave(key: string, entry: Entry, detection: AttemptDetection): void {
    const { usedAtMs } = entry;
    detection.flush(this.#nowMs(), true).then(
      () => {
        // Used again meanwhile: it stays.
        if (this.#entries.get(key) === entry && entry.usedAtMs === usedAtMs) this.#drop(key, entry);
      },
      (error: unknown) => {
        this.#failWrite(entry.run.id, error);
      },
    );
  }

  #drop(key: string, entry: Entry): void {
    this.#count(entry);
    // Whoever comes now starts from the store; two must not write there.
    entry.detection?.dispose();
    this.#entries.delete(key);
  }

  /** Keeps the counts of detectors that leave. */
  #count({ detection }: Entry): void {
    this.#latePosts += detection?.counts.late ?? 0;
    this.#passedGaps += detection?.counts.passed ?? 0;
  }
}

function nothing(): undefined {
  return undefined;
}
