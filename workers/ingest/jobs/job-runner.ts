/**
 * Batch jobs on stored runs, one at a time in the order in which they were asked for:
 *
 *   submit ▶ row `job`, queued ▶ work, batch by batch ▶ progress saved ▶ finished, failed or cancelled
 *
 * Between batches a job waits while posts do, so that it lives on time that nobody needs.
 * What a worker leaves queued or running, the next one takes up from the saved cursor.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../../lib/contract/app-error';
import { type CreateJob, type Job, createJobSchema, jobSchema } from '../../../lib/contract/jobs';
import type { Database } from '../../../lib/store/database';
import {
  type JobEnd,
  type JobJson,
  type JobProgress,
  type StoredJob,
  endJob,
  findJob,
  findUnfinishedJobs,
  saveJobProgress,
  saveNewJob,
  startJob,
} from '../../../lib/store/jobs';
import type { RunContext } from '../../../lib/store/runs/run-context';
import type { StoreLogger } from '../../../lib/store/store-logger';
import { JobStopped, type JobWork } from './job-kind';

export interface JobRunnerOptions {
  readonly db: Database;
  readonly logger: StoreLogger;
  readonly now: () => Date;
  readonly newId: () => string;
  readonly findRun: (id: string) => Promise<RunContext>;
  readonly work: JobWork;
  /** Posts wait for something that a job may be using. */
  readonly isBusy: () => boolean;
}

export interface JobRunnerStatus {
  readonly isRunning: boolean;
  readonly queued: number;
  readonly finished: number;
  readonly failed: number;
  readonly cancelled: number;
}

interface Entry {
  readonly runId: string;
  readonly runKey: string;
  readonly id: string;
  readonly request: CreateJob;
  cursor: JobJson | null;
  stop: JobStopped['reason'] | null;
}

/** A person asks for jobs; more than this many waiting is a script gone wrong. */
const MAX_WAITING = 64;
/** Progress is shown to people, and what lies after it is done again after a crash. */
const SAVE_EVERY_MS = 1_000;
/** While posts wait, a job does; but a worker that is always busy must not starve it. */
const BUSY_POLL_MS = 20;
const LONGEST_WAIT_MS = 500;

export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #waiting: Entry[] = [];
  #running: Entry | null = null;
  #working: Promise<void> = Promise.resolve();
  #submitting: Promise<void> = Promise.resolve();
  #isClosing = false;
  readonly #ended = { finished: 0, failed: 0, cancelled: 0 };

  constructor(options: JobRunnerOptions) {
    this.#options = options;
  }

  /**
   * Puts a job into the queue; one that asks for the same of the same run and has not ended
   * is returned instead.
   *
   * Throws  AppError `too_many_jobs`, `run_not_found`
   */
  submit(run: RunContext, request: CreateJob): Promise<{ job: Job; isNew: boolean }> {
    // One after the other: two that come at once and ask for the same are one job.
    const submitted = this.#submitting.then(() => this.#submit(run, request));
    this.#submitting = submitted.then(nothing, nothing);
    return submitted;
  }

  async #submit(run: RunContext, request: CreateJob): Promise<{ job: Job; isNew: boolean }> {
    const { db, now, newId } = this.#options;
    const { kind, ...asked } = request;
    const parameters = jobSchema.shape.parameters.parse(asked);
    const same = this.#all().find(
      (entry) => entry.runKey === run.runKey && isSameRequest(entry.request, request),
    );
    const known = same === undefined ? null : await findJob(db, run.runKey, same.id);
    if (known !== null && known.finishedAt === null) return { job: known, isNew: false };
    if (this.#waiting.length >= MAX_WAITING) {
      throw new AppError('too_many_jobs', `${this.#waiting.length} jobs wait already`, {
        retryAfterSeconds: 60,
      });
    }
    const id = newId();
    const isSaved = await saveNewJob(db, {
      runKey: run.runKey,
      id,
      kind,
      parameters,
      createdAt: now(),
    });
    const job = isSaved ? await findJob(db, run.runKey, id) : null;
    if (job === null) throw new AppError('run_not_found', `there is no run ${run.id}`);
    this.#enqueue({ runId: run.id, runKey: run.runKey, id, request, cursor: null, stop: null });
    return { job, isNew: true };
  }

  /** Asked for again, or of a job that has ended, it changes nothing. Throws AppError `job_not_found`. */
  async cancel(run: RunContext, id: string): Promise<Job> {
    const { db, now } = this.#options;
    const isOurs = (entry: Entry): boolean => entry.runKey === run.runKey && entry.id === id;
    const waiting = this.#waiting.findIndex(isOurs);
    if (waiting >= 0) this.#waiting.splice(waiting, 1);
    if (this.#running !== null && isOurs(this.#running)) this.#running.stop ??= 'cancelled';
    const known = await findJob(db, run.runKey, id);
    if (known === null) throw new AppError('job_not_found', `run ${run.id} has no job ${id}`);
    if (waiting >= 0) await this.#end(run.runKey, id, cancelled(null));
    else if (this.#running !== null && isOurs(this.#running)) await this.#working;
    else if (known.finishedAt === null) await endJob(db, run.runKey, id, cancelled(null), now());
    return (await findJob(db, run.runKey, id)) ?? known;
  }

  /** The run is being deleted: its jobs end, and none of them writes any more once this resolves. */
  async forget(runKey: string): Promise<void> {
    for (const entry of this.#waiting.filter((waiting) => waiting.runKey === runKey)) {
      this.#waiting.splice(this.#waiting.indexOf(entry), 1);
    }
    if (this.#running?.runKey !== runKey) return;
    this.#running.stop ??= 'gone';
    await this.#working;
  }

  /** Takes up what a worker before this one left. */
  async resume(): Promise<void> {
    for (const stored of await findUnfinishedJobs(this.#options.db)) await this.#takeUp(stored);
  }

  async #takeUp({ runId, runKey, cursor, job }: StoredJob): Promise<void> {
    const { id } = job;
    if (this.#all().some((entry) => entry.id === id)) return;
    const parsed = createJobSchema.safeParse({ ...job.parameters, kind: job.kind });
    if (parsed.success) {
      this.#enqueue({ runId, runKey, id, request: parsed.data, cursor, stop: null });
      return;
    }
    const message = `this version of the worker does not know such a job (${job.kind})`;
    await this.#end(runKey, id, { status: 'failed', result: null, message });
  }

  /** Resolves when no job runs or waits any more. */
  async settled(): Promise<void> {
    while (this.#running !== null || this.#waiting.length > 0) await this.#working;
  }

  /** Stops at the next batch; the next worker goes on from there. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#waiting.length = 0;
    if (this.#running !== null) this.#running.stop ??= 'closing';
    await this.#working;
  }

  status(): JobRunnerStatus {
    return {
      isRunning: this.#running !== null,
      queued: this.#waiting.length,
      ...this.#ended,
    };
  }

  #all(): readonly Entry[] {
    return this.#running === null ? this.#waiting : [this.#running, ...this.#waiting];
  }

  #enqueue(entry: Entry): void {
    if (this.#isClosing) return;
    this.#waiting.push(entry);
    if (this.#running === null) this.#startNext();
  }

  #startNext(): void {
    const entry = this.#waiting.shift();
    this.#running = entry ?? null;
    if (entry === undefined) return;
    this.#working = this.#work(entry).then(() => {
      this.#startNext();
    });
  }

  /** Never rejects: what goes wrong is the job's own end, or is left to the next start. */
  async #work(entry: Entry): Promise<void> {
    const { db, logger, now } = this.#options;
    const { runId: run, runKey, id, request } = entry;
    try {
      if (!(await startJob(db, runKey, id, now()))) return;
      logger.info({ run, job: id, kind: request.kind }, 'job started');
      const end = await this.#run(entry);
      if (end === null) return;
      await this.#end(runKey, id, end);
      logger.info({ run, job: id, kind: request.kind, status: end.status }, 'job ended');
    } catch (error) {
      if (error instanceof JobStopped) return;
      logger.error({ error, run, job: id }, 'a job could not be saved; the next start takes it up');
    }
  }

  /** null where nothing is to be said of its end: the run is gone, or the worker closes. */
  async #run(entry: Entry): Promise<JobEnd | null> {
    const { db, logger, findRun, work } = this.#options;
    const reporter = this.#reporterOf(entry);
    try {
      const run = await findRun(entry.runId);
      const context = { db, logger, run, cursor: entry.cursor, report: reporter.report };
      const result = await work(context, entry.request);
      await reporter.save();
      return { status: 'finished', result, message: null };
    } catch (error) {
      if (error instanceof JobStopped) {
        if (error.reason === 'gone') return null;
        await reporter.save();
        return error.reason === 'closing' ? null : cancelled('cancelled by request');
      }
      logger.error({ error, run: entry.runId, job: entry.id }, 'a job failed');
      // Of what is wrong inside, a reply tells nothing: the log does.
      const message =
        error instanceof AppError ? error.message : 'the job failed; the worker’s log says why';
      return { status: 'failed', result: null, message };
    }
  }

  #reporterOf(entry: Entry) {
    const { db, now } = this.#options;
    let newest: JobProgress | null = null;
    let savedAtMs = now().getTime();
    const save = async (): Promise<void> => {
      if (newest === null) return;
      const progress = newest;
      newest = null;
      savedAtMs = now().getTime();
      const isThere = await saveJobProgress(db, entry.runKey, entry.id, progress);
      if (!isThere) throw new JobStopped('gone');
    };
    const report = async (progress: JobProgress): Promise<void> => {
      newest = progress;
      if (entry.stop !== null) throw new JobStopped(entry.stop);
      if (now().getTime() - savedAtMs >= SAVE_EVERY_MS) await save();
      await this.#giveWay();
    };
    return { report, save };
  }

  /** Lets what came meanwhile be handled, and waits while posts do. */
  async #giveWay(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    for (let waitedMs = 0; waitedMs < LONGEST_WAIT_MS; waitedMs += BUSY_POLL_MS) {
      if (!this.#options.isBusy() || this.#isClosing) return;
      await delay(BUSY_POLL_MS);
    }
  }

  async #end(runKey: string, id: string, end: JobEnd): Promise<void> {
    const { db, now } = this.#options;
    await endJob(db, runKey, id, end, now());
    this.#ended[end.status]++;
  }
}

function nothing(): undefined {
  return undefined;
}

function cancelled(message: string | null): JobEnd {
  return { status: 'cancelled', result: null, message };
}

function isSameRequest(a: CreateJob, b: CreateJob): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(request: CreateJob): [string, unknown][] {
  return Object.entries(request).sort(([a], [b]) => (a < b ? -1 : 1));
}
