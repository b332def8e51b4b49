import { z } from 'zod';
import { queryInteger, queryStep } from './query-numbers';
import { attemptSelectorSchema } from './reads';

/**
 * What is no spike and still asks for someone: curvature beyond what Adam stands. The
 * scalar `stability_ratio` is κ = η·λ·(1−β1)/(2+2β1), derived where a step reports
 * `preconditioned_sharpness` λ and its learning rate η; at 1 momentum descent on a
 * quadratic turns unstable.
 */
export const PRECONDITIONED_SHARPNESS = 'preconditioned_sharpness';
export const STABILITY_RATIO = 'stability_ratio';
/** Where the ratio's line is drawn. */
export const STABILITY_LIMIT = 1;

export const warningKindSchema = z.enum([
  'curvature_beyond_limit',
  'curvature_doubled',
  'warm_up_too_short',
]);
export type WarningKind = z.infer<typeof warningKindSchema>;

/** What each kind says to a person: what is so, and what may help. */
export const WARNING_WORDS: Readonly<
  Record<WarningKind, { readonly title: string; readonly advice: string }>
> = {
  curvature_beyond_limit: {
    title: 'Curvature beyond its limit',
    advice:
      'The stability ratio stayed above 1.2 for three samples. Lower the learning rate, or raise β1.',
  },
  curvature_doubled: {
    title: 'Curvature doubled in 200 steps',
    advice:
      'The stability ratio is twice its lowest of the last 200 steps. Watch it; where it goes on past 1, lower the learning rate.',
  },
  warm_up_too_short: {
    title: 'Curvature above 1 at the peak rate',
    advice:
      'The stability ratio is above 1 where the learning rate is highest: take a longer warm-up or a lower peak.',
  },
};

export const warningSchema = z.object({
  id: z.string(),
  attempt: z.int(),
  kind: warningKindSchema,
  /** The scalar that it is about. */
  metric: z.string(),
  fromStep: z.int(),
  /** The last sample of which it was so; null while it is. */
  toStep: z.int().nullable(),
  peakStep: z.int(),
  peakValue: z.number(),
  /** On the step of the peak; null where that step reported none. */
  learningRate: z.number().nullable(),
  title: z.string(),
  advice: z.string(),
});
export type Warning = z.infer<typeof warningSchema>;

/** Warnings that touch the range. */
export const warningsQuerySchema = z.object({
  fromStep: queryStep.optional(),
  toStep: queryStep.optional(),
  attempt: attemptSelectorSchema.default('all'),
  limit: queryInteger.pipe(z.int().min(1).max(10_000)).default(1000),
});
export type WarningsQuery = z.infer<typeof warningsQuerySchema>;
export const warningsReplySchema = z.object({ items: z.array(warningSchema) });
export type WarningsReply = z.infer<typeof warningsReplySchema>;
