import type { CreateJob } from '../../../lib/contract/jobs';
import type { Database } from '../../../lib/store/database';
import type { JobJson, JobProgress } from '../../../lib/store/jobs';
import type { RunContext } from '../../../lib/store/runs/run-context';
import type { StoreLogger } from '../../../lib/store/store-logger';

/** What a job works with while it runs. */
export interface JobContext {
  readonly db: Database;
  readonly logger: StoreLogger;
  readonly run: RunContext;
  /** What it last saved, in its own words; null at its beginning. */
  readonly cursor: JobJson | null;
  /**
   * To be awaited between batches of at most some ten milliseconds, with how far the job has come: gives
   * way to posts, saves from time to time, and throws `JobStopped` where the job is to end.
   * A worker that starts again calls the job anew with a cursor that was given here, so
   * what a batch writes must bear being written twice.
   */
  readonly report: (progress: JobProgress) => Promise<void>;
}

/** The work of a job, from its cursor on; returns what is told of it at its end. */
export type JobWork<Request extends CreateJob = CreateJob> = (
  context: JobContext,
  request: Request,
) => Promise<JobJson>;

/** Thrown by `report`: the job was cancelled, its run deleted, or the worker is closing. */
export class JobStopped extends Error {
  constructor(readonly reason: 'cancelled' | 'gone' | 'closing') {
    super(`the job stopped: ${reason}`);
  }
}
