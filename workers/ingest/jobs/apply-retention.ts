/**
 * Lets go what the policy of a run's project does not keep, batch by batch. What a batch has
 * removed is not there to be found again, so that a worker that starts again need not know
 * how far the one before it came.
 */
import { z } from 'zod';
import { retentionAmountsSchema } from '../../../lib/contract/retention';
import type { JobJson } from '../../../lib/store/jobs';
import { findPolicyOfRun } from '../../../lib/store/runs/project-policy';
import {
  addReleased,
  bytesOf,
  fromPool,
  measureRetention,
  NOTHING_RELEASED,
} from '../../../lib/store/retention/measure-retention';
import { retainRun } from '../../../lib/store/retention/retain-run';
import { cutoffsOf } from '../../../lib/store/retention/retention-cutoffs';
import type { JobContext } from './job-kind';

/** What has gone so far. */
const cursorSchema = z.object({ released: retentionAmountsSchema });

export async function applyRetention(context: JobContext, now: () => Date): Promise<JobJson> {
  const { db, run } = context;
  const { runKey } = run;
  const policy = await findPolicyOfRun(db.pool, runKey);
  const cutoffs = cutoffsOf(policy, now());
  let released =
    context.cursor === null ? NOTHING_RELEASED : cursorSchema.parse(context.cursor).released;
  const stepsOf = ({ raw, distributions, samples }: typeof released): number =>
    raw.steps + distributions.steps + samples.steps;
  const left = await measureRetention(db, runKey, cutoffs);
  const totalSteps = stepsOf(released) + stepsOf(left);
  for await (const batch of retainRun(fromPool(db), { runKey, cutoffs, isDryRun: false })) {
    if (batch !== null) released = addReleased(released, batch);
    const doneSteps = stepsOf(released);
    await context.report({
      doneSteps,
      totalSteps: Math.max(totalSteps, doneSteps),
      cursor: { released },
    });
  }
  return { policy, freedBytes: bytesOf(released), ...released };
}
