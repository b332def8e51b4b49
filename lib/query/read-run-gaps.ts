import type { GapsQuery } from '../contract/reads';
import type { GapsReply } from '../contract/retention';
import type { Database } from '../store/database';
import { findGoneSteps } from '../store/reading/gone-steps';
import { findPolicyOfRun } from '../store/runs/project-policy';
import { selectSegments } from '../store/runs/trajectory';
import { requireRun } from './find-run';

/**
 * What a policy has let go of a run, and the policy as it stands. Throws AppError
 * `run_not_found`, `attempt_not_found`
 */
export async function readRunGaps(
  db: Database,
  runId: string,
  { attempt, fromStep, toStep }: GapsQuery,
): Promise<GapsReply> {
  const run = await requireRun(db, runId);
  const segments = selectSegments(run, attempt, { fromStep, toStep });
  return {
    project: run.project,
    policy: await findPolicyOfRun(db.pool, run.runKey),
    items: segments.length === 0 ? [] : await findGoneSteps(db, run.runKey, segments),
  };
}
