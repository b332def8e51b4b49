/**
 * A rule on an attempt of a run: opened from what was saved, or anew at the newest step that came
 * before the rule, and put into words for the store.
 */
import { foldRule, needsOf } from '../../lib/alerts/fold-rule';
import type { SilenceFold } from '../../lib/alerts/no-data';
import type { FoldNeeds, RuleFold } from '../../lib/alerts/rule-fold';
import { matchLayers } from '../../lib/query/match-layers';
import { readStagesAt } from '../../lib/query/read-alert-steps';
import type { SavedProgress } from '../../lib/store/alerts/alert-progress';
import type { FoldableRule } from '../../lib/store/alerts/alert-rules';
import type { Database } from '../../lib/store/database';
import type { RunAttempt, RunOutline } from '../../lib/store/runs/run-context';
import type { StoreLogger } from '../../lib/store/store-logger';
import { findStepBefore } from '../../lib/store/alerts/watched-runs';
import type { FoldToSave } from '../../lib/store/alerts/write-incidents';

export interface EntryOptions {
  readonly db: Database;
  readonly logger: StoreLogger;
}

export interface LoadedRun extends RunOutline {
  readonly layerNames: readonly string[];
  readonly openedAt: ReadonlyMap<number, Date>;
}

export interface FoldEntry {
  readonly rule: FoldableRule;
  readonly attempt: RunAttempt;
  readonly fold: RuleFold | SilenceFold;
  readonly needs: FoldNeeds;
  step: number;
  savedStep: number;
  /** Of one that looks at the clock: silence cannot have lasted long enough before. */
  lookMs: number;
  /** Of one that looks at the clock: it has told of a silence, and waits for its end. */
  isTold: boolean;
  /** The attempt is over, and what was open is closed. */
  isEnded: boolean;
  isSavedEnded: boolean;
  /** Openings that the store has as open. */
  readonly known: Set<string>;
}

/** The state of a rule on an attempt that is over. */
const ENDED = { ended: true } as const;

/** null where the rule has nothing to look at: the attempt is over, or older than the rule. */
export async function openEntry(
  options: EntryOptions,
  run: LoadedRun,
  {
    rule,
    attempt,
    saved: known,
  }: {
    readonly rule: FoldableRule;
    readonly attempt: RunAttempt;
    /** What was saved before this process. */
    readonly saved: SavedProgress | undefined;
  },
): Promise<FoldEntry | null> {
  const isNewest = attempt.attempt === run.newestAttempt;
  const saved = known?.revision === rule.revision ? known : undefined;
  const wasEnded = saved !== undefined && isEnded(saved.state);
  // As `reopenEntry` says.
  if (wasEnded && !(isNewest && run.status === 'running')) return null;
  const openedAt = run.openedAt.get(attempt.attempt);
  const isOlder = openedAt !== undefined && openedAt < rule.since;
  if (saved === undefined && isOlder && !isNewest) return null;
  const startStep = saved?.step ?? (await findStart(options, run, { rule, attempt, isOlder }));
  const needs = needsOf(rule.condition);
  const isFresh = saved === undefined || wasEnded;
  const context = {
    ...{ layerNames: run.layerNames, startStep },
    layerMask: maskOf(options, rule, run),
    stagesAtStart:
      isFresh && needs.stages
        ? await readStagesAt(options.db, run.runKey, attempt.attempt, startStep)
        : [],
  };
  const fold = restore(options, rule, context, isFresh ? null : saved.state);
  return {
    ...{ rule, attempt, fold, needs, step: startStep },
    savedStep: saved === undefined ? -2 : saved.step,
    // The first turn looks, whatever it goes by.
    lookMs: needs.clock ? -Infinity : Infinity,
    isTold: false,
    ...{ isEnded: false, isSavedEnded: false },
    known: new Set(fold.openings),
  };
}

/** An attempt without a frame, ended, and taken up again by the job that resumes there. */
export function reopenEntry(options: EntryOptions, run: LoadedRun, entry: FoldEntry): FoldEntry {
  const { rule, step } = entry;
  const layerMask = maskOf(options, rule, run);
  const { layerNames } = run;
  const context = { layerNames, layerMask, startStep: step, stagesAtStart: [] };
  const fold = foldRule(rule.condition, context, null);
  return { ...entry, fold, isEnded: false, lookMs: entry.needs.clock ? -Infinity : Infinity };
}

/** A state that this version cannot read is of another: the rule begins anew where that ended. */
function restore(
  { logger }: EntryOptions,
  rule: FoldableRule,
  context: Parameters<typeof foldRule>[1],
  state: unknown,
): RuleFold | SilenceFold {
  try {
    return foldRule(rule.condition, context, state);
  } catch (error) {
    logger.warn({ error, rule: rule.ruleKey }, 'a saved alert rule cannot be read');
    return foldRule(rule.condition, context, null);
  }
}

function maskOf(
  { logger }: EntryOptions,
  { ruleKey, condition }: FoldableRule,
  { layerNames, id }: LoadedRun,
): Uint8Array {
  const pattern = 'layers' in condition ? condition.layers : undefined;
  return matchLayers(pattern, layerNames, (error) => {
    logger.warn({ error, rule: ruleKey, run: id }, 'the layers of an alert rule take too long');
  });
}

/** What came before the rule is none of its business. */
async function findStart(
  { db }: EntryOptions,
  { runKey }: LoadedRun,
  {
    rule: { since },
    attempt: { attempt, resumeFromStep },
    isOlder,
  }: {
    readonly rule: FoldableRule;
    readonly attempt: RunAttempt;
    /** The attempt was open before the rule. */
    readonly isOlder: boolean;
  },
): Promise<number> {
  const before = isOlder ? await findStepBefore(db, runKey, attempt, since) : null;
  return before ?? resumeFromStep - 1;
}

/** Something opened or closed, or the attempt is over. */
export function isUrgent({ fold, known, isEnded: isOver, isSavedEnded }: FoldEntry): boolean {
  if (isOver !== isSavedEnded) return true;
  return fold.changed.some(({ opening, closed }) => closed !== null || !known.has(opening));
}

export function toSave({ rule, attempt, fold, step, isEnded: isOver }: FoldEntry): FoldToSave {
  return {
    ...{ ruleKey: rule.ruleKey, revision: rule.revision, attempt: attempt.attempt, step },
    state: isOver ? ENDED : fold.save(),
    incidents: fold.changed,
  };
}

function isEnded(state: unknown): boolean {
  return typeof state === 'object' && state !== null && 'ended' in state;
}
