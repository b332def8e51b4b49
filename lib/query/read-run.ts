import type { Run } from '../contract/runs';
import type { Database } from '../store/database';
import { findLayers } from '../store/runs/layers';
import { findRunConfig, findRuns } from '../store/runs/run-details';
import { runKeyOf } from '../store/runs/run-key';
import { findAttemptExtents, findRunProgress } from '../store/runs/run-progress';
import { runNotFound } from '../store/runs/runs';
import { requireRun } from './find-run';
import { toRunSummary } from './run-summary';

/** Everything about a run but what it measured. Throws AppError `run_not_found`. */
export async function readRun(db: Database, runId: string): Promise<Run> {
  await requireRun(db, runId);
  const runKey = runKeyOf(runId);
  const [run] = await findRuns(db, [runKey]);
  const newest = run?.attempts.at(-1);
  if (run === undefined || newest === undefined) throw runNotFound(runId);
  const [progress, extents, layers, config] = await Promise.all([
    findRunProgress(db, new Map([[runKey, run.attempts]])),
    findAttemptExtents(db, runKey, run.attempts),
    findLayers(db, runKey),
    findRunConfig(db, runKey),
  ]);
  const ofRun = progress.get(runKey);
  if (ofRun === undefined) throw runNotFound(runId);
  return {
    ...toRunSummary(run, ofRun),
    config,
    optimizer: newest.optimizer,
    attempts: run.attempts.map(({ attempt, resumeFromStep, optimizer, createdAt }) => ({
      attempt,
      resumeFromStep,
      optimizer,
      createdAt: createdAt.toISOString(),
      firstStep: extents.get(attempt)?.firstStep ?? null,
      lastStep: extents.get(attempt)?.lastStep ?? null,
    })),
    layers,
  };
}
