import { z } from 'zod';

/** What a training loop itself may do now: `GET /api/v1/runs/{id}/advice`. */

export const adviceActionSchema = z.enum([
  /** Write a checkpoint now, while the weights are whole. */
  'save_checkpoint',
  /** Leave out the update of the batches that come; the loss left its baseline on one. */
  'skip_batch',
  /** Multiply the learning rate by `factor`. */
  'lower_learning_rate',
  /** Clip updates by their RMS, as StableAdamW does. */
  'clip_updates',
  /** Set the moments of `layers` to zero. */
  'reset_optimizer_state',
  /** Lower Adam's ε to `value`. */
  'lower_epsilon',
  /** Go back to `checkpointStep` and leave out the batches of the spike. */
  'rewind',
  /** Stop: the loss is not finite. */
  'stop',
]);
export type AdviceAction = z.infer<typeof adviceActionSchema>;

export const adviceItemSchema = z.object({
  /** The same as long as the same is meant; a loop that has done it may pass it over. */
  id: z.string(),
  action: adviceActionSchema,
  severity: z.enum(['page', 'warn', 'note']),
  /** In words, with the numbers behind it. */
  reason: z.string(),
  caveat: z.string(),
  sinceStep: z.int(),
  layers: z.array(z.object({ index: z.int(), name: z.string() })),
  factor: z.number().nullable(),
  value: z.number().nullable(),
  checkpointStep: z.int().nullable(),
  /** Inclusive; of `rewind` and `skip_batch`. */
  skipSteps: z.object({ fromStep: z.int(), toStep: z.int() }).nullable(),
  /** Of the finding that it comes from. */
  spikeId: z.string().nullable(),
  incidentId: z.string().nullable(),
});
export type AdviceItem = z.infer<typeof adviceItemSchema>;

export const adviceQuerySchema = z.object({
  /** Answer when something differs from this `version`, or after `waitSeconds`. */
  after: z.string().max(128).optional(),
  waitSeconds: z.coerce.number().pipe(z.number().min(0).max(30)).default(0),
});

export const adviceReplySchema = z.object({
  runId: z.string(),
  attempt: z.int(),
  /** The newest step that detectors have looked at; advice is as of it. */
  step: z.int(),
  /** Of this advice; the same text while nothing changes. */
  version: z.string(),
  /** The most urgent first; empty when all is well. */
  items: z.array(adviceItemSchema),
});
export type AdviceReply = z.infer<typeof adviceReplySchema>;
