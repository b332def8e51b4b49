/** What alert rules are shown of a run, read as they ask for it; live and for a backtest alike. */
import type { AlertFindings, AlertStep, FoldNeeds, StageChange } from '../alerts/rule-fold';
import { isStageName } from '../contract/stages';
import type { Database } from '../store/database';
import { findConfirmedSpikes } from '../store/findings/spikes';
import { findStageIntervals } from '../store/findings/stages';
import { findStepMarks, type StageEntry, type StepMarks } from '../store/findings/step-marks';
import { findStepReports } from '../store/reading/step-reports';
import type { Segment } from '../store/runs/trajectory';
import { findWarnings } from '../store/findings/warnings';

/** Findings may be written later than the steps after them are looked at, and dated back. */
const LATE_STEPS = 256;

export interface FoldedRun {
  readonly runKey: string;
  readonly layerCount: number;
}

/** The steps of a segment, ascending. The caller bounds the segment: all of it is held. */
export async function readAlertSteps(
  db: Database,
  { runKey }: FoldedRun,
  segment: Segment,
  { scalars, layerMetrics, stages, rmsSpikes }: FoldNeeds,
): Promise<AlertStep[]> {
  const query = { runKey, segment, scalars, layerMetrics, withPosts: false };
  const [reports, marks] = await Promise.all([
    findStepReports(db, query),
    stages || rmsSpikes ? findStepMarks(db, runKey, segment, { stages, rmsSpikes }) : NO_MARKS,
  ]);
  return reports.map((report) => ({
    step: report.step,
    scalars: report.scalars,
    layerMetrics: report.layerMetrics,
    stageChanges: marks.stages.get(report.step)?.flatMap(toStageChange) ?? [],
    rmsStarting: marks.rmsStarts.get(report.step) ?? [],
  }));
}

const NO_MARKS: StepMarks = { stages: new Map(), rmsStarts: new Map() };

function toStageChange({ layer, stage }: StageEntry): StageChange[] {
  return isStageName(stage) ? [{ layer, stage }] : [];
}

/** Where layers of an attempt stand on a step. */
export async function readStagesAt(
  db: Database,
  runKey: string,
  attempt: number,
  step: number,
): Promise<StageChange[]> {
  const at = { attempt, fromStep: step, toStep: step };
  const intervals = await findStageIntervals(db, runKey, [at]);
  return intervals.flatMap(toStageChange);
}

/** Findings that rules which looked as far as `afterStep` may not have been told of, as they stand now. */
export async function readAlertFindings(
  db: Database,
  runKey: string,
  {
    attempt,
    afterStep,
    openIds,
  }: { readonly attempt: number; readonly afterStep: number; readonly openIds: readonly string[] },
  { spikes, warnings }: Pick<FoldNeeds, 'spikes' | 'warnings'>,
): Promise<AlertFindings> {
  const fromStep = Math.max(0, afterStep - LATE_STEPS);
  const segment = { attempt, fromStep, toStep: Number.MAX_SAFE_INTEGER };
  return {
    spikes: spikes
      ? await findConfirmedSpikes(db, runKey, { attempt, afterStep: fromStep - 1, ids: openIds })
      : [],
    warnings: warnings ? await findWarnings(db, runKey, { segments: [segment], limit: 1000 }) : [],
  };
}
