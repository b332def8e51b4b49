/** Batch jobs, asked for and cancelled; reads of them are the front door's. */
import { AppError } from '../../../lib/contract/app-error';
import { createJobSchema, jobParamsSchema } from '../../../lib/contract/jobs';
import { withBody } from '../../http/read-body';
import { type Reply, json, ok } from '../../http/reply';
import type { Route } from '../../http/router';
import { type WriteHandler, bodyOptions, parseBody, permittedRun } from '../write-request';

export const JOB_ROUTES: readonly Route<WriteHandler>[] = [
  { method: 'POST', path: '/api/v1/runs/:id/jobs', handler: postJob },
  { method: 'POST', path: '/api/v1/runs/:id/jobs/:jobId/cancel', handler: postCancel },
];

/** 202 with a new job, 200 with the same one that has not ended; 404; 422; 429 too_many_jobs. */
async function postJob(...[deps, { request, params }]: Parameters<WriteHandler>): Promise<Reply> {
  const run = await permittedRun(deps, request, params, 'admin');
  return withBody(request, bodyOptions(deps), async (body) => {
    const input = parseBody(createJobSchema, body);
    const attempt = 'attempt' in input ? input.attempt : undefined;
    if (attempt !== undefined && !run.attempts.some((known) => known.attempt === attempt)) {
      throw new AppError('attempt_not_found', `run ${run.id} has no attempt ${attempt}`);
    }
    const { job, isNew } = await deps.jobs.submit(run, input);
    return json(isNew ? 202 : 200, job);
  });
}

/** 200 with the job, ended; 404 run_not_found, job_not_found. */
async function postCancel(
  ...[deps, { request, params }]: Parameters<WriteHandler>
): Promise<Reply> {
  const run = await permittedRun(deps, request, params, 'admin');
  return withBody(request, bodyOptions(deps), async () => {
    const parsed = jobParamsSchema.safeParse({ id: run.id, jobId: params['jobId'] });
    if (!parsed.success) {
      throw new AppError('job_not_found', `run ${run.id} has no job ${params['jobId'] ?? ''}`);
    }
    return ok(await deps.jobs.cancel(run, parsed.data.jobId));
  });
}
