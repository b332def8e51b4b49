import { z } from 'zod';

/** A hundred years: beyond any that is meant. */
const MOST_DAYS = 36_500;

const daysSchema = z
  .int('expected a whole number of days, or null')
  .min(1, 'expected at least 1 day, or null')
  .max(MOST_DAYS, `expected at most ${MOST_DAYS} days, or null`)
  .nullable();

/** How long a project's values are kept; null is for ever. Ages count from when a step was received. */
export const projectPolicySchema = z.object({
  /** Values of layers, step by step. Their rollups stay, and the steps around spikes. */
  keepRawDays: daysSchema,
  /** Histograms. */
  keepDistributionsDays: daysSchema,
  /** Raw samples of the steps around spikes. */
  keepSamplesDays: daysSchema,
  /** From this age on values of layers are kept to three digits; null is never. */
  roundAfterDays: daysSchema,
});
export type ProjectPolicy = z.infer<typeof projectPolicySchema>;

/** Of a project that has set nothing. */
export const KEEP_EVERYTHING: ProjectPolicy = {
  keepRawDays: null,
  keepDistributionsDays: null,
  keepSamplesDays: null,
  roundAfterDays: null,
};

/** Body of `PUT /api/v1/projects/{name}/policy`: what is not named stays as it is. */
export const putProjectPolicySchema = z.strictObject({
  keepRawDays: daysSchema.optional(),
  keepDistributionsDays: daysSchema.optional(),
  keepSamplesDays: daysSchema.optional(),
  roundAfterDays: daysSchema.optional(),
});
export type PutProjectPolicy = z.infer<typeof putProjectPolicySchema>;

/** Of `GET` and `PUT /api/v1/projects/{name}/policy`. */
export const projectPolicyReplySchema = projectPolicySchema.extend({ name: z.string() });
export type ProjectPolicyReply = z.infer<typeof projectPolicyReplySchema>;
