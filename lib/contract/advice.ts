import { z } from 'zod';

/** What a training loop itself may do now: `GET /api/v1/runs/{id}/advice`. */

export const ADVICE_ACTIONS = [
  /** Stop: the loss is not finite, and there is nothing to go back to. */
  'stop',
  /** Go back to `checkpointStep`, and leave out the batches of `skipSteps` on the way. */
  'rewind',
  /** Write a checkpoint now, while the weights are whole. */
  'save_checkpoint',
  /** Set the moments of `layers` to zero and warm these layers up again over `forSteps`. */
  'reset_optimizer_state',
  /** Multiply the learning rate by `factor` for `forSteps`. */
  'lower_learning_rate',
  /** Divide the update of each tensor by max(1, RMS_t / `value`), as StableAdamW does with 1. */
  'clip_updates',
  /** Leave out the updates of `skipSteps`. */
  'skip_batch',
  /** Lower Adam's ε to `value`. */
  'lower_epsilon',
] as const;
export const adviceActionSchema = z.enum(ADVICE_ACTIONS);
export type AdviceAction = z.infer<typeof adviceActionSchema>;

export const adviceItemSchema = z.object({
  /**
   * The same as long as the same is meant. A loop passes over what it has done, and says so
   * by an event with this id: then it is left out from then on.
   */
  id: z.string(),
  action: adviceActionSchema,
  /** `page`: the loss has gone; `warn`: something that comes before is there; `note`: in good time. */
  severity: z.enum(['page', 'warn', 'note']),
  /** In words, with the numbers behind it. */
  reason: z.string(),
  caveat: z.string(),
  sinceStep: z.int(),
  /** Those that it is about; empty: all of them. */
  layers: z.array(z.object({ index: z.int(), name: z.string() })),
  factor: z.number().nullable(),
  value: z.number().nullable(),
  /** How many steps it is meant to hold; null: once, or from now on. */
  forSteps: z.int().nullable(),
  checkpointStep: z.int().nullable(),
  /** Inclusive; of `rewind` and `skip_batch`. */
  skipSteps: z.object({ fromStep: z.int(), toStep: z.int() }).nullable(),
  /** Of the finding that it comes from. */
  spikeId: z.string().nullable(),
  /** The open incident that tells of the same finding. */
  incidentId: z.string().nullable(),
});
export type AdviceItem = z.infer<typeof adviceItemSchema>;

/** As long as a proxy in between keeps a quiet connection in any case. */
export const MAX_ADVICE_WAIT_SECONDS = 30;

export const adviceQuerySchema = z.object({
  /** Answer once the advice is another than this `version`, or after `waitSeconds`. */
  after: z.string().max(128).optional(),
  waitSeconds: z.coerce.number().pipe(z.number().min(0).max(MAX_ADVICE_WAIT_SECONDS)).default(0),
});

export const adviceReplySchema = z.object({
  runId: z.string(),
  attempt: z.int(),
  /**
   * The newest step of this attempt that detectors have looked at; what they found up to it
   * is in the advice. null before the first.
   */
  step: z.int().nullable(),
  /** Of the items; the same text while the same is advised, whatever the numbers in its words. */
  version: z.string(),
  /** The most urgent first; empty when all is well. */
  items: z.array(adviceItemSchema),
});
export type AdviceReply = z.infer<typeof adviceReplySchema>;
