import { type Job, createJobSchema, jobParamsSchema, jobSchema, jobsReplySchema } from './jobs';
import { JSON_TYPE, RUN, json, ok, type RouteDescription } from './openapi-route';
import { runParamsSchema } from './reads';

const EXAMPLE: Job = {
  id: '0d9f4f5e-8a4b-4c0e-9a53-6f6a5d0c2b11',
  kind: 'recompute_statistics',
  parameters: { fromStep: 300 },
  status: 'running',
  doneSteps: 128,
  totalSteps: 340,
  result: null,
  message: null,
  createdAt: '2026-01-04T03:12:00.000Z',
  startedAt: '2026-01-04T03:12:00.120Z',
  finishedAt: null,
};

/** Batch work on a stored run. */
export const JOB_ROUTES: readonly RouteDescription[] = [
  {
    operationId: 'createJob',
    method: 'post',
    path: `${RUN}/jobs`,
    tag: 'Manage',
    scope: 'admin',
    summary: 'Start batch work on a stored run',
    description:
      'One job runs at a time, in the order asked for, and gives way to posts. recompute_statistics reads ' +
      'the stored histograms again and writes the metrics that follow from them into the stored steps, never over what the job posted itself. reevaluate_losses looks at ' +
      'every stored loss again and puts what it finds beside each spike, as its field reevaluation. ' +
      'apply_retention lets go what the policy of the project does not keep. The ' +
      'same request while it has not ended returns the same job. A worker that restarts goes on with what ' +
      'was left.',
    params: runParamsSchema,
    body: json(createJobSchema, { kind: 'recompute_statistics', fromStep: 300 }),
    replies: [
      {
        status: 202,
        description: 'The job waits for its turn.',
        bodies: [{ mediaType: JSON_TYPE, schema: jobSchema, example: { ...EXAMPLE } }],
      },
      ok(jobSchema, 'The same job was there and has not ended.'),
    ],
    errors: ['run_not_found', 'attempt_not_found', 'invalid_body', 'too_many_jobs'],
  },
  {
    operationId: 'cancelJob',
    method: 'post',
    path: `${RUN}/jobs/{jobId}/cancel`,
    tag: 'Manage',
    scope: 'admin',
    summary: 'Cancel a job',
    description: 'What it has written stands. Of a job that has ended nothing changes.',
    params: jobParamsSchema,
    replies: [ok(jobSchema, 'The job as it stands.')],
    errors: ['run_not_found', 'job_not_found'],
  },
  {
    operationId: 'listJobs',
    method: 'get',
    path: `${RUN}/jobs`,
    tag: 'Read',
    scope: 'read',
    summary: 'Batch jobs of a run',
    description: 'The newest first, with how many of how many steps each has done.',
    params: runParamsSchema,
    replies: [ok(jobsReplySchema, 'The jobs.', { items: [{ ...EXAMPLE }] })],
    errors: ['run_not_found'],
  },
  {
    operationId: 'readJob',
    method: 'get',
    path: `${RUN}/jobs/{jobId}`,
    tag: 'Read',
    scope: 'read',
    summary: 'One batch job',
    description: 'With its result once it is finished, or why it failed.',
    params: jobParamsSchema,
    replies: [ok(jobSchema, 'The job as it stands.')],
    errors: ['run_not_found', 'job_not_found'],
  },
];
