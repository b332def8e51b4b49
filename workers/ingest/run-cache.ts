import { AppError } from '../../lib/contract/app-error';
import type { Database } from '../../lib/store/database';
import { type RunContext, findRunContext } from '../../lib/store/runs/run-context';

/** Runs that post at the same time are few; a bound keeps a thousand old ones out of memory. */
const MAX_CACHED_RUNS = 1024;

/**
 * What every post needs to know of its run, read once. All changes of runs pass through
 * this worker, which forgets a run when it changes it.
 */
export class RunCache {
  private readonly contexts = new Map<string, Promise<RunContext | null>>();

  constructor(private readonly db: Database) {}

  /** Throws AppError `run_not_found`. */
  async find(runId: string): Promise<RunContext> {
    let pending = this.contexts.get(runId);
    if (pending === undefined) {
      pending = findRunContext(this.db, runId);
      this.remember(runId, pending);
    }
    let context: RunContext | null;
    try {
      context = await pending;
    } catch (error) {
      this.contexts.delete(runId);
      throw error;
    }
    if (context !== null) return context;
    // A run that does not exist yet may be created by the next request.
    this.contexts.delete(runId);
    throw new AppError(
      'run_not_found',
      `there is no run ${runId}; create it with POST /api/v1/runs`,
    );
  }

  forget(runId: string): void {
    this.contexts.delete(runId);
  }

  private remember(runId: string, pending: Promise<RunContext | null>): void {
    this.contexts.set(runId, pending);
    if (this.contexts.size <= MAX_CACHED_RUNS) return;
    for (const oldest of this.contexts.keys()) {
      this.contexts.delete(oldest);
      return;
    }
  }
}
