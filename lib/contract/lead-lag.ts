import { z } from 'zod';
import { queryInteger, queryStep } from './query-numbers';

/** A loss spike follows an RMS spike by `shortestLead`…`longestLead` steps, both inclusive. */
export const leadLagQuerySchema = z
  .object({
    fromStep: queryStep.optional(),
    toStep: queryStep.optional(),
    /** Steps of several attempts at once would count twice. */
    attempt: z
      .union([z.literal('effective'), queryInteger.pipe(z.int().min(1))])
      .default('effective'),
    shortestLead: queryInteger.pipe(z.int().min(0).max(1000)).default(1),
    longestLead: queryInteger.pipe(z.int().min(0).max(1000)).default(8),
    /** Spikes less than so many steps apart count as the earliest of them. */
    mergeSteps: queryInteger.pipe(z.int().min(10).max(100_000)).default(10),
  })
  .refine(({ shortestLead, longestLead }) => shortestLead <= longestLead, {
    path: ['longestLead'],
    message: 'expected longestLead of at least shortestLead',
  });
export type LeadLagQuery = z.infer<typeof leadLagQuerySchema>;

/** How the RMS spikes of one layer lie to the loss spikes of the run. */
export const leadLagSchema = z.object({
  layer: z.int(),
  rmsSpikeCount: z.int(),
  lossSpikeCount: z.int(),
  /** Loss spikes that follow an RMS spike of the layer. */
  precededCount: z.int(),
  /** Share of eligible steps that follow one: the chance of a loss spike that could be anywhere. */
  chance: z.number(),
  /** Probability of as many preceded loss spikes or more by chance: a binomial tail. */
  tail: z.number(),
});
export const leadLagReplySchema = z.object({
  shortestLead: z.int(),
  longestLead: z.int(),
  mergeSteps: z.int(),
  /** First and last step that were watched and asked for; null where none was. */
  fromStep: z.int().nullable(),
  toStep: z.int().nullable(),
  /** Steps in which a spike of either kind would have been seen; start-up left out. */
  eligibleSteps: z.int(),
  /** By tail, the smallest first. */
  items: z.array(leadLagSchema),
});
export type LeadLagReply = z.infer<typeof leadLagReplySchema>;
