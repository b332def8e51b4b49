import type { RunsQuery, RunsReply } from '../contract/reads';
import type { Database } from '../store/database';
import { findRuns } from '../store/runs/run-details';
import { findRunPage } from '../store/runs/run-list';
import { findRunProgress } from '../store/runs/run-progress';
import { toRunSummary } from './run-summary';

/**
 * A page of runs, pinned first, then newest first or as asked for. `q` is text to be found in
 * id, name, project, tags or notes, or `/regex/` (`/regex/i` for either case). The number of
 * round trips is that of any page, whatever its size.
 *
 * Throws  AppError `invalid_query`
 */
export async function readRuns(db: Database, query: RunsQuery): Promise<RunsReply> {
  const page = await findRunPage(db, query);
  const runs = await findRuns(db, page.runKeys);
  const progress = await findRunProgress(
    db,
    new Map(runs.map(({ runKey, attempts }) => [runKey, attempts])),
  );
  return {
    items: runs.flatMap((run) => {
      const ofRun = progress.get(run.runKey);
      return ofRun === undefined ? [] : [toRunSummary(run, ofRun)];
    }),
    total: page.total,
    projects: [...page.projects],
    statuses: page.statuses,
    ...(page.nextCursor === null ? {} : { nextCursor: page.nextCursor }),
  };
}
