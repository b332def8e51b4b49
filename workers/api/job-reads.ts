/** Batch jobs, read. */
import { AppError } from '../../lib/contract/app-error';
import { jobParamsSchema } from '../../lib/contract/jobs';
import { readJob, readJobs } from '../../lib/query/read-jobs';
import type { Database } from '../../lib/store/database';
import { type Reply, ok } from '../http/reply';
import type { Route } from '../http/router';
import { type ReadHandler, type ReadRequest, permittedRunId } from './read-request';

export const JOB_READ_ROUTES: readonly Route<ReadHandler>[] = [
  { method: 'GET', path: '/api/v1/runs/:id/jobs', handler: getJobs },
  { method: 'GET', path: '/api/v1/runs/:id/jobs/:jobId', handler: getJob },
];

/** 200; 404 run_not_found. */
async function getJobs(db: Database, request: ReadRequest): Promise<Reply> {
  return ok(await readJobs(db, await permittedRunId(db, request)));
}

/** 200; 404 run_not_found, job_not_found. */
async function getJob(db: Database, request: ReadRequest): Promise<Reply> {
  const runId = await permittedRunId(db, request);
  const jobId = request.params['jobId'] ?? '';
  if (!jobParamsSchema.safeParse({ id: runId, jobId }).success) {
    throw new AppError('job_not_found', `run ${runId} has no job ${jobId}`);
  }
  return ok(await readJob(db, runId, jobId));
}
