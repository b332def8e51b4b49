import { z } from 'zod';
import {
  projectPolicySchema,
  type PutProjectPolicy,
  putProjectPolicySchema,
} from './project-policy';

/** Of `POST /api/v1/projects/{name}/retention`. */
export const retentionQuerySchema = z.object({
  /** Whether to say what would go alone; to be named, as what goes is gone. */
  dryRun: z.enum(['true', 'false'], { error: 'expected true or false' }),
});

/** Of a dry run: instead of the project's own policy, in the fields that are named. */
export const retentionBodySchema = putProjectPolicySchema;
export type RetentionBody = PutProjectPolicy;

const amountSchema = z.object({
  /** Steps of which anything goes. */
  steps: z.int(),
  /** Stored rows: a block of values is one. */
  rows: z.int(),
  sizeBytes: z.int(),
});
export type RetentionAmount = z.infer<typeof amountSchema>;

export const retentionAmountsSchema = z.object({
  /** Values of layers, step by step; their rollups stay. */
  raw: amountSchema,
  /** Histograms. */
  distributions: amountSchema,
  /** Raw samples. */
  samples: amountSchema,
});
export type RetentionAmounts = z.infer<typeof retentionAmountsSchema>;

export const retentionReplySchema = z.object({
  name: z.string(),
  dryRun: z.boolean(),
  /** What was gone by. */
  policy: projectPolicySchema,
  /** Of the project's runs as they are stored now. */
  sizeBytes: z.int(),
  /** What goes of it. */
  freedBytes: z.int(),
  ...retentionAmountsSchema.shape,
  /** Those of which anything goes, the largest first. */
  runs: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      freedBytes: z.int(),
      ...retentionAmountsSchema.shape,
      /** The job that does it; null in a dry run, and where too many wait already. */
      jobId: z.string().nullable(),
    }),
  ),
});
export type RetentionReply = z.infer<typeof retentionReplySchema>;
