import { KEEP_EVERYTHING } from '../../contract/project-policy';
import { DELETING } from '../runs/run-status';
import { type Released, retainRun, type UseClient } from './retain-run';
import { cutoffsOf } from './retention-cutoffs';

interface PolicedRun {
  readonly run: string;
  readonly keep_raw_days: number | null;
  readonly keep_distributions_days: number | null;
  readonly keep_samples_days: number | null;
}

/** Every run whose project does not keep everything, one after the other, as `retainRun` does. */
export async function* retainProjects(
  use: UseClient,
  now: Date,
): AsyncGenerator<Released | null, void> {
  const runs = await use(async (client) => {
    const { rows } = await client.query<PolicedRun>(
      `SELECT run.run::text, keep_raw_days, keep_distributions_days, keep_samples_days
       FROM project JOIN run ON run.project = project.name AND run.status <> '${DELETING}'
       WHERE num_nonnulls(keep_raw_days, keep_distributions_days, keep_samples_days) > 0
       ORDER BY run.run`,
    );
    return rows;
  });
  for (const run of runs) {
    const policy = {
      ...KEEP_EVERYTHING,
      keepRawDays: run.keep_raw_days,
      keepDistributionsDays: run.keep_distributions_days,
      keepSamplesDays: run.keep_samples_days,
    };
    yield* retainRun(use, { runKey: run.run, cutoffs: cutoffsOf(policy, now), isDryRun: false });
  }
}
