import { AppError } from '../contract/app-error';
import type { ProjectReport, WarningPrecision } from '../contract/reports';
import { bestDates } from '../postmortem/facts';
import { isoWeekOf, periodOfWeek } from '../postmortem/iso-week';
import { medianOf } from '../postmortem/facts';
import type { Database } from '../store/database';
import {
  findActiveRuns,
  findDatedSpikes,
  findDatedWarnings,
  findRestarts,
  hasProject,
  type DatedSpike,
  type DatedWarning,
} from '../store/runs/project-week';

/** RMS spikes lead by 1 to 8 steps; what curvature warns of comes later. */
const WITHIN_STEPS: Readonly<Record<string, number>> = { rms_spike: 8 };
const WITHIN_STEPS_OF_CURVATURE = 200;

/** Throws AppError `project_not_found`. */
export async function readProjectReport(
  db: Database,
  project: string,
  week: string | undefined,
  now: Date,
): Promise<ProjectReport> {
  if (!(await hasProject(db, project))) {
    throw new AppError('project_not_found', `there is no project ${project}`);
  }
  const wanted = week ?? isoWeekOf(now);
  const { from, to } = periodOfWeek(wanted);
  const period = { project, from, to };
  const [runs, spikes, outliers, warnings, restarts] = await Promise.all([
    findActiveRuns(db, period),
    findDatedSpikes(db, period, ['loss_spike', 'divergence']),
    findDatedSpikes(db, period, ['outlier_batch']),
    findDatedWarnings(db, period),
    findRestarts(db, period),
  ]);
  const dated = spikes.map(({ runId, runName, at, recoveredAt, spike, hasEnded }) => ({
    ...{ runId, runName },
    at: at.toISOString(),
    secondsToRecover: recoveredAt === null ? null : (recoveredAt.getTime() - at.getTime()) / 1000,
    spike: bestDates(spike),
    hasEnded,
  }));
  const stepsToRecover = dated.flatMap(({ spike }) =>
    spike.recoveredStep === null ? [] : [spike.recoveredStep - spike.onsetStep],
  );
  const seconds = dated.flatMap(({ secondsToRecover }) => secondsToRecover ?? []);
  const lostOf = (runId: string): number =>
    restarts
      .filter((restart) => restart.runId === runId)
      .reduce((sum, { lostSteps }) => sum + lostSteps, 0);
  const activeRuns = runs.map(({ id, name }) => ({
    ...{ id, name },
    spikeCount: dated.filter(({ runId }) => runId === id).length,
    lostSteps: lostOf(id),
  }));
  return {
    ...{ project, week: wanted, from: from.toISOString(), to: to.toISOString() },
    activeRuns,
    spikes: dated,
    outlierBatchCount: outliers.length,
    // What the rows add up to: an attempt of another week may be imported in this one.
    lostSteps: activeRuns.reduce((sum, { lostSteps }) => sum + lostSteps, 0),
    medianStepsToRecover: stepsToRecover.length === 0 ? null : medianOf(stepsToRecover),
    medianSecondsToRecover: seconds.length === 0 ? null : medianOf(seconds),
    warnings: countFollowed(warnings, spikes),
  };
}

/** Of each kind of warning, how many a loss spike or divergence of the same attempt followed. */
export function countFollowed(
  warnings: readonly DatedWarning[],
  spikes: readonly Pick<DatedSpike, 'runId' | 'spike'>[],
): WarningPrecision[] {
  const kinds = [...new Set(warnings.map(({ kind }) => kind))].sort();
  return kinds.map((kind) => {
    const withinSteps = WITHIN_STEPS[kind] ?? WITHIN_STEPS_OF_CURVATURE;
    const ofKind = warnings.filter((warning) => warning.kind === kind);
    const followed = ofKind.filter(({ runId, attempt, step }) =>
      spikes.some(({ runId: run, spike }) => {
        const lead = (spike.riseStep ?? spike.onsetStep) - step;
        return run === runId && spike.attempt === attempt && lead >= 1 && lead <= withinSteps;
      }),
    );
    return { kind, withinSteps, warned: ofKind.length, followed: followed.length };
  });
}
