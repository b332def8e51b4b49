import type { RunsQuery, RunsReply } from '../contract/reads';
import type { Database } from '../store/database';
import { findRuns } from '../store/run-details';
import { findRunPage } from '../store/run-list';
import { findRunProgress } from '../store/run-progress';
import { toRunSummary } from './run-summary';

/**
 * A page of runs, pinned first, then newest first. `q` is text to be found in id, name or
 * tags, or `/regex/` (`/regex/i` for either case). Four round trips, whatever the page's size.
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
    ...(page.nextCursor === null ? {} : { nextCursor: page.nextCursor }),
  };
}
