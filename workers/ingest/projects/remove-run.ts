import { deleteRun } from '../../../lib/store/runs/runs';
import type { RouteDependencies } from '../write-request';

/** Everything of a run: what the worker knows of it, then what is stored. */
export async function removeRun(
  deps: Pick<
    RouteDependencies,
    | 'access'
    | 'alerts'
    | 'compaction'
    | 'detection'
    | 'jobs'
    | 'previousGradients'
    | 'runs'
    | 'samples'
  >,
  { id, runKey }: { readonly id: string; readonly runKey: string },
): Promise<void> {
  deps.detection.forget(runKey);
  deps.samples.forget(runKey);
  deps.previousGradients.forget(runKey);
  await deps.jobs.forget(runKey);
  deps.compaction.forget(runKey);
  deps.alerts.forget(runKey);
  await deleteRun(deps.access.db, id);
  deps.runs.forget(id);
  // Again: a post may have come before the run was marked.
  deps.detection.forget(runKey);
  deps.samples.forget(runKey);
  deps.previousGradients.forget(runKey);
  deps.alerts.forget(runKey);
}
