/**
 * A rule folded over what is stored of a run, attempt by attempt, as it would have been folded
 * while that came in: the same folds, shown the same steps.
 */
import { foldRule, isSilenceFold, needsOf } from '../alerts/fold-rule';
import type { SilenceFold } from '../alerts/no-data';
import type { FoldContext, FoldNeeds, FoundIncident, RuleFold } from '../alerts/rule-fold';
import type { AlertCondition } from '../contract/alert-rules';
import { findSilences } from '../store/alerts/backtest-runs';
import type { Database } from '../store/database';
import { findAttemptTimes } from '../store/alerts/watched-runs';
import { findLayerNames } from '../store/runs/layers';
import type { ReadableRun } from '../store/reading/readable-run';
import { findStepPage } from '../store/reading/step-pages';
import type { Segment } from '../store/runs/trajectory';
import { matchLayers } from './match-layers';
import { readAlertFindings, readAlertSteps, readStagesAt } from './read-alert-steps';

export interface FoldedIncident extends FoundIncident {
  readonly attempt: number;
}

export interface FoldedAttempt {
  readonly attempt: number;
  readonly firstStep: number | null;
  /** The last one that was looked at; null where none was. */
  readonly lastStep: number | null;
}

export interface FoldedRunResult {
  readonly incidents: readonly FoldedIncident[];
  readonly attempts: readonly FoldedAttempt[];
  readonly stepCount: number;
  /** Why not everything was looked at; null where it was. */
  readonly caveat: string | null;
}

export interface FoldOptions {
  readonly condition: AlertCondition;
  readonly fromStep: number;
  readonly toStep: number;
  /** By the clock; then it ends where it is. */
  readonly deadlineMs: number;
  readonly clock: () => number;
  readonly now: Date;
}

/** Values held at once while steps are read: 16 MB. */
const MAX_CELLS = 4_000_000;
const MOST_STEPS_AT_ONCE = 2_048;
const FEWEST_STEPS_AT_ONCE = 8;
const METRICS_OF_ALL = 24;

export async function foldStoredRun(
  db: Database,
  run: ReadableRun,
  options: FoldOptions,
): Promise<FoldedRunResult> {
  const { condition } = options;
  const layerNames = await findLayerNames(db, run.runKey);
  let caveat = reasonUnposted(run, condition);
  const pattern = 'layers' in condition ? condition.layers : undefined;
  const layerMask = matchLayers(pattern, layerNames, () => {
    caveat = 'the expression for layers takes too long';
  });
  const incidents: FoldedIncident[] = [];
  const attempts: FoldedAttempt[] = [];
  let stepCount = 0;
  for (const { attempt, resumeFromStep } of run.attempts) {
    const fromStep = Math.max(resumeFromStep, options.fromStep);
    const segment = { attempt, fromStep, toStep: options.toStep };
    if (segment.fromStep > segment.toStep) continue;
    const startStep = fromStep - 1;
    const stagesAtStart =
      needsOf(condition).stages && fromStep > resumeFromStep
        ? await readStagesAt(db, run.runKey, attempt, startStep)
        : [];
    const context: FoldContext = { layerNames, layerMask, startStep, stagesAtStart };
    const folded = await foldAttempt(db, run, segment, context, options);
    stepCount += folded.stepCount;
    attempts.push({ attempt, firstStep: folded.firstStep, lastStep: folded.lastStep });
    incidents.push(...folded.incidents.map((incident) => ({ attempt, ...incident })));
    if (folded.isCut) {
      caveat = `time was up: of attempt ${attempt} steps after ${folded.lastStep ?? startStep} were not looked at`;
      break;
    }
  }
  return { incidents, attempts, stepCount, caveat };
}

/** A rule on what nobody posted can find nothing. */
function reasonUnposted(run: ReadableRun, condition: AlertCondition): string | null {
  const { scalars, layerMetrics } = needsOf(condition);
  if (condition.kind === 'non_finite' || condition.kind === 'rms_spike') return null;
  const scalar = scalars.find((name) => !run.names.scalar.has(name));
  if (scalar !== undefined) return `the run has no scalar ${scalar}`;
  const metric =
    layerMetrics === 'all' ? undefined : layerMetrics.find((name) => !run.names.layer.has(name));
  return metric === undefined ? null : `the run has no layer metric ${metric}`;
}

interface AttemptResult {
  readonly incidents: readonly FoundIncident[];
  readonly firstStep: number | null;
  readonly lastStep: number | null;
  readonly stepCount: number;
  readonly isCut: boolean;
}

async function foldAttempt(
  db: Database,
  run: ReadableRun,
  segment: Segment,
  context: FoldContext,
  options: FoldOptions,
): Promise<AttemptResult> {
  const fold = foldRule(options.condition, context, null);
  const { attempt } = segment;
  const needs = needsOf(options.condition);
  const limit = stepsAtOnce(run.layerCount, needs);
  let { fromStep } = segment;
  let stepCount = 0;
  let firstStep: number | null = null;
  let lastStep: number | null = null;
  let isCut = false;
  for (;;) {
    isCut = options.clock() > options.deadlineMs;
    const page = isCut ? null : await findStepPage(db, run.runKey, { ...segment, fromStep }, limit);
    if (page === null) break;
    const read = { attempt, fromStep, toStep: page.lastStep };
    // A rule on findings or silence reads no steps, but counts them.
    if (readsSteps(needs)) {
      for (const step of await readAlertSteps(db, run, read, needs)) {
        firstStep ??= step.step;
        fold.observe(step);
      }
    } else firstStep ??= fromStep;
    stepCount += page.stepCount;
    lastStep = page.lastStep;
    fromStep = page.lastStep + 1;
  }
  if (needs.spikes || needs.warnings) {
    const findings = await readAlertFindings(
      db,
      run.runKey,
      { attempt, afterStep: context.startStep, openIds: [] },
      needs,
    );
    const toStep = isCut ? (lastStep ?? -1) : segment.toStep;
    fold.settle({
      spikes: findings.spikes.filter(
        ({ confirmedStep, onsetStep }) => (confirmedStep ?? onsetStep) <= toStep,
      ),
      warnings: findings.warnings.filter((warning) => warning.fromStep <= toStep),
    });
  }
  const found = isSilenceFold(fold) ? await foldSilence(db, run, segment, fold, options) : [];
  return {
    incidents: [...found, ...endAttempt(run, attempt, fold, lastStep)],
    ...{ firstStep, lastStep, stepCount, isCut },
  };
}

/** As the attempt’s end would have closed them. */
function endAttempt(
  run: ReadableRun,
  attempt: number,
  fold: RuleFold,
  lastStep: number | null,
): readonly FoundIncident[] {
  if (attempt < run.newestAttempt) fold.closeAll('new_attempt', lastStep);
  else if (run.status !== 'running') fold.closeAll('run_ended', lastStep);
  return fold.changed;
}

/** Shows a fold the moments at which it would have looked at the clock. */
async function foldSilence(
  db: Database,
  run: ReadableRun,
  segment: Segment,
  fold: SilenceFold,
  { condition, now }: FoldOptions,
): Promise<FoundIncident[]> {
  if (condition.kind !== 'no_data') return [];
  const limitMs = condition.minutes * 60_000;
  const found: FoundIncident[] = [];
  const openedAt = (await findAttemptTimes(db, run.runKey)).get(segment.attempt);
  const sinceMs = openedAt?.getTime() ?? 0;
  const goesOn = run.status === 'running' && segment.attempt === run.newestAttempt;
  const silences = await findSilences(db, run.runKey, segment, condition.minutes);
  for (const { step, fromMs, next } of silences) {
    const heard = { atMs: fromMs, step };
    const lasted = next !== null || (goesOn && now.getTime() >= fromMs + limitMs);
    if (lasted) fold.look(fromMs + limitMs, heard, Math.min(sinceMs, fromMs));
    if (next === null) continue;
    fold.look(next.atMs, next, Math.min(sinceMs, fromMs));
    found.push(...fold.changed.map((incident) => ({ ...incident, openedStep: step })));
    fold.forgetChanges();
  }
  const rest = fold.changed.map((incident) => ({
    ...{ ...incident, openedStep: silences.at(-1)?.step ?? null },
  }));
  fold.forgetChanges();
  return [...found, ...rest];
}

function readsSteps({ scalars, layerMetrics, stages, rmsSpikes }: FoldNeeds): boolean {
  return (
    scalars.length > 0 || layerMetrics === 'all' || layerMetrics.length > 0 || stages || rmsSpikes
  );
}

function stepsAtOnce(layerCount: number, { layerMetrics }: FoldNeeds): number {
  const metrics = layerMetrics === 'all' ? METRICS_OF_ALL : layerMetrics.length;
  const steps = Math.floor(MAX_CELLS / Math.max(1, layerCount * metrics));
  return Math.max(FEWEST_STEPS_AT_ONCE, Math.min(MOST_STEPS_AT_ONCE, steps));
}
