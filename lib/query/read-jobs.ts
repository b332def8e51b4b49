import { AppError } from '../contract/app-error';
import type { Job, JobsReply } from '../contract/jobs';
import type { Database } from '../store/database';
import { findJob, findJobs } from '../store/jobs';
import { requireRun } from './find-run';

/** Batch jobs of a run, the newest first. Throws AppError `run_not_found`. */
export async function readJobs(db: Database, runId: string): Promise<JobsReply> {
  const { runKey } = await requireRun(db, runId);
  return { items: await findJobs(db, runKey) };
}

/** Throws AppError `run_not_found`, `job_not_found`. */
export async function readJob(db: Database, runId: string, jobId: string): Promise<Job> {
  const { runKey } = await requireRun(db, runId);
  const job = await findJob(db, runKey, jobId);
  if (job === null) throw new AppError('job_not_found', `run ${runId} has no job ${jobId}`);
  return job;
}
