import { z } from 'zod';
import { projectPolicySchema, putProjectPolicySchema } from './project-policy';

export const GAP_KINDS = ['raw', 'distributions', 'samples'] as const;

/** Of `GET /api/v1/runs/{id}/gaps`. */
export const gapsReplySchema = z.object({
  project: z.string(),
  /** As it stands; it may have been another one when these went. */
  policy: projectPolicySchema,
  items: z.array(
    z.object({
      attempt: z.int(),
      /** Of `raw` nothing but buckets of 16 steps is left; of the others those around spikes stay. */
      kind: z.enum(GAP_KINDS),
      fromStep: z.int(),
      toStep: z.int(),
      /** When the newest step of the range had come; null where none is stored any more. */
      receivedTo: z.iso.datetime().nullable(),
    }),
  ),
});
export type GapsReply = z.infer<typeof gapsReplySchema>;

/** Of `POST /api/v1/projects/{name}/retention`. */
export const retentionQuerySchema = z.object({
  /** Whether to say what would go alone; to be named, as what goes is gone. */
  dryRun: z.enum(['true', 'false'], { error: 'expected true or false' }),
});

/** Of a dry run: instead of the project's own policy, in the fields that are named. */
export const retentionBodySchema = putProjectPolicySchema;

const amountSchema = z.object({
  /** Steps of which anything goes. */
  steps: z.int(),
  /** Stored rows: a block of values is one. */
  rows: z.int(),
  sizeBytes: z.int(),
});

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
