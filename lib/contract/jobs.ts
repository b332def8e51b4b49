import { z } from 'zod';
import { stepSchema } from './identifiers';
import { runParamsSchema } from './reads';

/**
 * Batch jobs of the worker on a stored run. A kind is one member of `createJobSchema`,
 * which names its parameters, and one entry of the worker's kinds.
 */

/** Steps of a job, inclusive; without a bound, to the end of what is stored. */
const jobSteps = {
  /** Without it, every attempt. */
  attempt: z.int().min(1).optional(),
  fromStep: stepSchema.optional(),
  toStep: stepSchema.optional(),
};

/**
 * The metrics that `recompute_statistics` may write, all read from stored histograms. Each has
 * a number, by its place, in what is stored of posts: new ones come last.
 */
export const RECOMPUTED_METRICS = [
  'update_dip',
  'ratio_dip',
  'ratio_bimodality_coefficient',
  'ratio_valley_depth',
  'ratio_beyond_bound_fraction',
] as const;

const recomputeStatisticsSchema = z.strictObject({
  kind: z.literal('recompute_statistics'),
  ...jobSteps,
  /** Without it, all of them. */
  metrics: z.array(z.enum(RECOMPUTED_METRICS)).min(1).optional(),
});
export type RecomputeStatistics = z.infer<typeof recomputeStatisticsSchema>;

const reevaluateLossesSchema = z.strictObject({
  kind: z.literal('reevaluate_losses'),
  /** Without it, every attempt. */
  attempt: z.int().min(1).optional(),
});
export type ReevaluateLosses = z.infer<typeof reevaluateLossesSchema>;

/** Lets go what the project's policy does not keep. */
const applyRetentionSchema = z.strictObject({ kind: z.literal('apply_retention') });

/** Body of `POST /api/v1/runs/{id}/jobs`. */
export const createJobSchema = z.discriminatedUnion('kind', [
  recomputeStatisticsSchema,
  reevaluateLossesSchema,
  applyRetentionSchema,
]);
export type CreateJob = z.infer<typeof createJobSchema>;

export const jobStatusSchema = z.enum(['queued', 'running', 'finished', 'failed', 'cancelled']);

export const jobSchema = z.object({
  id: z.string(),
  kind: z.string(),
  /** What was asked for, without the kind. */
  parameters: z.record(z.string(), z.json()),
  status: jobStatusSchema,
  doneSteps: z.int(),
  /** null until the job has counted them. */
  totalSteps: z.int().nullable(),
  /** What came of it, in the kind's own words; null before its end. */
  result: z.json().nullable(),
  /** Why it failed; null otherwise. */
  message: z.string().nullable(),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
});
export type Job = z.infer<typeof jobSchema>;

export const jobsReplySchema = z.object({ items: z.array(jobSchema) });
export type JobsReply = z.infer<typeof jobsReplySchema>;

export const jobParamsSchema = runParamsSchema.extend({ jobId: z.guid() });
