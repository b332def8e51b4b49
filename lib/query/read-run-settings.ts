import type { RunSettings } from '../contract/runs';
import type { Database } from '../store/database';
import { findRunConfig } from '../store/runs/run-details';
import { requireRun } from './find-run';

/** The config of a run and the optimizer of each attempt. Throws AppError `run_not_found`. */
export async function readRunSettings(db: Database, runId: string): Promise<RunSettings> {
  const run = await requireRun(db, runId);
  return {
    id: run.id,
    config: await findRunConfig(db, run.runKey),
    layerCount: run.layerCount,
    attempts: run.attempts.map(({ attempt, resumeFromStep, optimizer }) => ({
      attempt,
      resumeFromStep,
      optimizer,
    })),
  };
}
