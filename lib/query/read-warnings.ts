import { STABILITY_RATIO, WARNING_WORDS } from '../contract/warnings';
import type { WarningsQuery, WarningsReply } from '../contract/warnings';
import type { Database } from '../store/database';
import { selectSegments } from '../store/runs/trajectory';
import { findWarnings } from '../store/findings/warnings';
import { requireRun } from './find-run';

/** Warnings by first step, at most `limit`. Throws AppError `run_not_found`, `attempt_not_found`. */
export async function readWarnings(
  db: Database,
  runId: string,
  query: WarningsQuery,
): Promise<WarningsReply> {
  const run = await requireRun(db, runId);
  const segments = selectSegments(run, query.attempt, query);
  const stored = await findWarnings(db, run.runKey, { segments, limit: query.limit });
  return {
    items: stored.map((warning) => ({
      ...warning,
      metric: STABILITY_RATIO,
      ...WARNING_WORDS[warning.kind],
    })),
  };
}
