/**
 * The rules of a project at work on one run. A turn reads what is new of each attempt, once for
 * all rules, shows it to their folds, and saves what they found in one transaction with how far
 * they have looked. Quiet progress is saved now and then: what a crash loses of it is folded
 * again, and found again under the same keys.
 */
import { isSilenceFold, mergeNeeds } from '../../lib/alerts/fold-rule';
import type { FoldNeeds } from '../../lib/alerts/rule-fold';
import { readAlertFindings, readAlertSteps } from '../../lib/query/read-alert-steps';
import {
  findAlertProgress,
  type IncidentChange,
  saveFolds,
  type SavedProgress,
} from '../../lib/store/alerts/alert-progress';
import type { FoldableRule } from '../../lib/store/alerts/alert-rules';
import { findSeenStep } from '../../lib/store/findings/findings';
import { findLayerNames } from '../../lib/store/runs/layers';
import { findOutlineByKey, type RunAttempt } from '../../lib/store/runs/run-context';
import { findStepsAfter } from '../../lib/store/reading/step-reports';
import { findAttemptTimes, findLastHeard } from '../../lib/store/alerts/watched-runs';
import {
  type EntryOptions,
  type FoldEntry,
  isUrgent,
  type LoadedRun,
  openEntry,
  reopenEntry,
  toSave,
} from './fold-entry';

export interface RunFoldsOptions extends EntryOptions {
  readonly now: () => Date;
}

export interface Turn {
  /** The run was deleted. */
  readonly isGone: boolean;
  readonly changes: readonly IncidentChange[];
  /** Steps looked at, once a rule each. */
  readonly foldedSteps: number;
  /** There is more to look at already. */
  readonly hasMore: boolean;
  /** By the wall clock, when to look again though nothing is told; Infinity for never. */
  readonly nextLookMs: number;
}

/** Values held at once while steps are read: 16 MB. */
const MAX_CELLS = 4_000_000;
const MAX_STEPS_AT_ONCE = 1_024;
const FEWEST_STEPS_AT_ONCE = 8;
/** A rule that looks at all metrics looks at about so many. */
const METRICS_OF_ALL = 24;
/** What is folded again after a kill: a second of work. */
const SAVE_AFTER_MS = 5_000;
/** Large states, windows of z-scores, are saved at a few megabytes a minute. */
const SAVED_NUMBERS_PER_MS = 50;
/** An attempt that another has followed is given so long to be looked at to its end. */
const END_AT_LATEST_MS = 60_000;

export class RunFolds {
  readonly runKey: string;
  readonly #options: RunFoldsOptions;
  readonly #settled = new Map<number, number>();
  readonly #followedAtMs = new Map<number, number>();
  #run: LoadedRun | null = null;
  #isChanged = true;
  #entries = new Map<string, FoldEntry>();
  /** What was saved before this process, by rule and attempt. */
  #progress: ReadonlyMap<string, SavedProgress> | null = null;
  #savedAtMs = -Infinity;

  constructor(runKey: string, options: RunFoldsOptions) {
    this.runKey = runKey;
    this.#options = options;
  }

  get openCount(): number {
    let count = 0;
    for (const { fold } of this.#entries.values()) count += fold.openings.length;
    return count;
  }

  /** null before it was first read. */
  get project(): string | null {
    return this.#run?.project ?? null;
  }

  /** Detectors have looked as far, and what they found is written. */
  noteSettled(attempt: number, step: number): void {
    this.#settled.set(attempt, Math.max(this.#settled.get(attempt) ?? -1, step));
    if (this.#run !== null && attempt > this.#run.newestAttempt) this.#isChanged = true;
  }

  /** It ended, or has another attempt or name. */
  noteChanged(): void {
    this.#isChanged = true;
  }

  /** Looks at what is new. `rules` are all that are switched on of the run's project. */
  async turn(rulesOf: (project: string) => readonly FoldableRule[]): Promise<Turn> {
    const run = await this.#load();
    if (run === null) return { ...NOTHING, isGone: true };
    const rules = rulesOf(run.project).filter(
      ({ runKey }) => runKey === null || runKey === this.runKey,
    );
    await this.#arrange(run, rules);
    let foldedSteps = 0;
    let hasMore = false;
    let nextLookMs = Infinity;
    for (const attempt of run.attempts) {
      const entries = [...this.#entries.values()].filter(
        (entry) => entry.attempt.attempt === attempt.attempt && !entry.isEnded,
      );
      if (entries.length === 0) continue;
      const looked = await this.#look(run, attempt, entries);
      foldedSteps += looked.foldedSteps;
      hasMore ||= looked.hasMore;
      nextLookMs = Math.min(nextLookMs, looked.nextLookMs);
    }
    const saved = await this.#save(run);
    if (saved.isGone) return { ...NOTHING, isGone: true };
    nextLookMs = Math.min(nextLookMs, this.#nextSaveMs());
    return { isGone: false, changes: saved.changes, foldedSteps, hasMore, nextLookMs };
  }

  async #load(): Promise<LoadedRun | null> {
    const { db } = this.#options;
    if (this.#run !== null && !this.#isChanged) return this.#run;
    this.#isChanged = false;
    try {
      const [outline, openedAt, progress] = await Promise.all([
        findOutlineByKey(db, this.runKey),
        findAttemptTimes(db, this.runKey),
        this.#progress ?? this.#readProgress(),
      ]);
      if (outline === null) return null;
      const layerNames = this.#run?.layerNames ?? (await findLayerNames(db, this.runKey));
      this.#progress = progress;
      this.#run = { ...outline, openedAt, layerNames };
      return this.#run;
    } catch (error) {
      this.#isChanged = true;
      throw error;
    }
  }

  async #readProgress(): Promise<ReadonlyMap<string, SavedProgress>> {
    const saved = await findAlertProgress(this.#options.db, this.runKey);
    return new Map(saved.map((progress) => [`${progress.ruleKey}/${progress.attempt}`, progress]));
  }

  /** A fold for each rule on each attempt that it is to look at; those of other rules go. */
  async #arrange(run: LoadedRun, rules: readonly FoldableRule[]): Promise<void> {
    const wanted = new Map<string, FoldEntry>();
    for (const rule of rules) {
      for (const attempt of run.attempts) {
        const key = `${rule.ruleKey}/${rule.revision}/${attempt.attempt}`;
        const saved = this.#progress?.get(`${rule.ruleKey}/${attempt.attempt}`);
        const entry =
          this.#entries.get(key) ?? (await openEntry(this.#options, run, { rule, attempt, saved }));
        if (entry === null) continue;
        const isTakenUp = attempt.attempt === run.newestAttempt && run.status === 'running';
        wanted.set(
          key,
          entry.isEnded && isTakenUp ? reopenEntry(this.#options, run, entry) : entry,
        );
      }
    }
    this.#entries = wanted;
  }

  async #look(
    run: LoadedRun,
    { attempt }: RunAttempt,
    entries: readonly FoldEntry[],
  ): Promise<Pick<Turn, 'foldedSteps' | 'hasMore' | 'nextLookMs'>> {
    const { db, now } = this.#options;
    const nowMs = now().getTime();
    const isOver = attempt < run.newestAttempt || run.status !== 'running';
    const silences = entries.filter(
      (entry) => !isOver && entry.needs.clock && (entry.lookMs <= nowMs || entry.isTold),
    );
    const heard =
      silences.length > 0 || isOver ? await findLastHeard(db, this.runKey, attempt) : null;
    const settled = await this.#settledStep(attempt);
    const byStep = entries.filter((entry) => !entry.needs.clock);
    const read = await this.#readSteps(run, attempt, byStep, settled);
    for (const entry of silences) {
      const { fold, rule } = entry;
      if (!isSilenceFold(fold)) continue;
      const atMs = (heard?.receivedAt ?? run.openedAt.get(attempt))?.getTime() ?? nowMs;
      const last = { atMs, step: heard?.step ?? null };
      entry.lookMs = fold.look(nowMs, last, rule.since.getTime());
      entry.isTold = entry.lookMs === Infinity;
    }
    const nextLookMs = Math.min(...entries.map(({ lookMs }) => lookMs));
    if (!isOver) return { ...read, nextLookMs };
    const endStep = heard?.step ?? null;
    const isSeen = endStep === null || byStep.every(({ step }) => step >= endStep);
    const followedAtMs = this.#followedAtMs.get(attempt) ?? nowMs;
    this.#followedAtMs.set(attempt, followedAtMs);
    if (!isSeen && nowMs - followedAtMs < END_AT_LATEST_MS) {
      return { ...read, nextLookMs: followedAtMs + END_AT_LATEST_MS };
    }
    const by = attempt < run.newestAttempt ? 'new_attempt' : 'run_ended';
    for (const entry of entries) {
      entry.fold.closeAll(by, entry.needs.clock ? null : endStep);
      entry.isEnded = true;
    }
    return { ...read, nextLookMs: Infinity };
  }

  async #settledStep(attempt: number): Promise<number> {
    const told = this.#settled.get(attempt);
    if (told !== undefined) return told;
    const seen = await findSeenStep(this.#options.db, this.runKey, attempt);
    return seen?.step ?? -1;
  }

  async #readSteps(
    run: LoadedRun,
    attempt: number,
    entries: readonly FoldEntry[],
    settled: number,
  ): Promise<Pick<Turn, 'foldedSteps' | 'hasMore'>> {
    const { db } = this.#options;
    const needs = mergeNeeds(entries.map((entry) => entry.needs));
    const afterStep = Math.min(...entries.map(({ step }) => step));
    let toStep = settled;
    let foldedSteps = 0;
    if (entries.length > 0 && settled > afterStep) {
      const limit = stepsAtOnce(run.layerCount, needs);
      if (settled - afterStep > limit) {
        const next = await findStepsAfter(db, this.runKey, { attempt, afterStep, limit });
        toStep = Math.min(settled, next.at(-1) ?? settled);
      }
      const segment = { attempt, fromStep: afterStep + 1, toStep };
      for (const step of await readAlertSteps(db, run, segment, needs)) {
        for (const entry of entries) {
          if (step.step <= entry.step) continue;
          entry.fold.observe(step);
          foldedSteps++;
        }
      }
      for (const entry of entries) entry.step = Math.max(entry.step, toStep);
    }
    await this.#settleFindings(attempt, entries, afterStep);
    return { foldedSteps, hasMore: entries.length > 0 && toStep < settled };
  }

  async #settleFindings(
    attempt: number,
    entries: readonly FoldEntry[],
    afterStep: number,
  ): Promise<void> {
    const asking = entries.filter(({ needs }) => needs.spikes || needs.warnings);
    if (asking.length === 0) return;
    const needs = mergeNeeds(asking.map((entry) => entry.needs));
    const openIds = [...new Set(asking.flatMap(({ fold }) => fold.openings))];
    const findings = await readAlertFindings(
      this.#options.db,
      this.runKey,
      { attempt, afterStep, openIds },
      needs,
    );
    for (const { fold } of asking) fold.settle(findings);
  }

  /** What opened or closed at once; the rest when it is due. */
  async #save(run: LoadedRun): Promise<{ isGone: boolean; changes: readonly IncidentChange[] }> {
    const { db, now } = this.#options;
    const nowMs = now().getTime();
    const isDue = nowMs >= this.#nextSaveMs();
    const due = [...this.#entries.values()].filter(
      (entry) =>
        isUrgent(entry) ||
        (isDue && (entry.step !== entry.savedStep || entry.fold.changed.length > 0)),
    );
    if (isDue) this.#savedAtMs = nowMs;
    if (due.length === 0) return { isGone: false, changes: [] };
    const saved = await saveFolds(db, run, due.map(toSave), now());
    if (saved.isGone) return saved;
    for (const entry of due) {
      for (const { opening, closed } of entry.fold.changed) {
        if (closed === null) entry.known.add(opening);
        else entry.known.delete(opening);
      }
      entry.fold.forgetChanges();
      entry.savedStep = entry.step;
      entry.isSavedEnded = entry.isEnded;
    }
    return saved;
  }

  /** When quiet progress is saved next; Infinity while there is none. */
  #nextSaveMs(): number {
    let size = 0;
    let hasMoved = false;
    for (const { fold, step, savedStep } of this.#entries.values()) {
      hasMoved ||= step !== savedStep || fold.changed.length > 0;
      size += fold.stateSize;
    }
    if (!hasMoved) return Infinity;
    return this.#savedAtMs + Math.max(SAVE_AFTER_MS, size / SAVED_NUMBERS_PER_MS);
  }

  /** Saves everything that has moved; before it is forgotten. */
  async leave(): Promise<void> {
    this.#savedAtMs = -Infinity;
    if (this.#run !== null) await this.#save(this.#run);
  }
}

const NOTHING: Turn = {
  isGone: false,
  changes: [],
  foldedSteps: 0,
  hasMore: false,
  nextLookMs: Infinity,
};

/** How many steps are read at once, so that what is held stays small. */
function stepsAtOnce(layerCount: number, { layerMetrics }: FoldNeeds): number {
  const metrics = layerMetrics === 'all' ? METRICS_OF_ALL : layerMetrics.length;
  const cells = Math.max(1, layerCount * metrics);
  const steps = Math.floor(MAX_CELLS / cells);
  return Math.max(FEWEST_STEPS_AT_ONCE, Math.min(MAX_STEPS_AT_ONCE, steps));
}
