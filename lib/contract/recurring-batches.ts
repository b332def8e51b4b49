/** `GET /api/v1/recurring-batches`: steps at which several runs of one data order have an event. */
import { z } from 'zod';
import { splitNames } from './name-list';
import { queryInteger } from './query-numbers';
import { spikeKindSchema } from './reads';
import { queryText, settingPathSchema } from './run-conditions';
import { runSelection } from './spike-search';

/** Settings that say of what order a run reads its data; the first of which a run has all. */
export const DATA_ORDER_SETTINGS: readonly (readonly string[])[] = [
  ['data_order'],
  ['dataset', 'data_seed'],
];

const eventKindSchema = spikeKindSchema.exclude(['rms_spike']);

export const recurringBatchesSchema = z.object({
  ...runSelection,
  /** Settings by which runs share a data order, in place of those that are looked for. */
  by: queryText(1024)
    .transform(splitNames)
    .pipe(z.array(settingPathSchema).min(1).max(8))
    .optional(),
  /** Events so many steps apart are one: some logs count from 0, others from 1. */
  within: queryInteger.pipe(z.int().min(0).max(100)).default(1),
  kind: queryText(128)
    .transform(splitNames)
    .pipe(z.array(eventKindSchema).min(1).max(3))
    .default(['loss_spike', 'outlier_batch', 'divergence']),
  /** At most so many places a data order. */
  limit: queryInteger.pipe(z.int().min(1).max(1000)).default(200),
});
export type RecurringBatchesQuery = z.infer<typeof recurringBatchesSchema>;

export const batchEventSchema = z.object({
  runId: z.string(),
  attempt: z.int(),
  spikeId: z.string(),
  kind: eventKindSchema,
  onsetStep: z.int(),
  /** As the run posted it on that step; null where it names no batches. */
  batchId: z.number().nullable(),
});
export type BatchEvent = z.infer<typeof batchEventSchema>;

export const recurringBatchSchema = z.object({
  fromStep: z.int(),
  toStep: z.int(),
  /** Runs with an event here, of those that trained past it. */
  runCount: z.int(),
  watchedCount: z.int(),
  /** Probability that as many or more of the others have one here too, were events anywhere. */
  tail: z.number(),
  /** The tail times the places that were looked at: how many such places chance makes. */
  expected: z.number(),
  /** Whether all that posted a batch id here posted the same; null where fewer than two did. */
  isSameBatch: z.boolean().nullable(),
  /** One or more a run, onset ascending. */
  events: z.array(batchEventSchema),
});
export type RecurringBatch = z.infer<typeof recurringBatchSchema>;

export const dataOrderSchema = z.object({
  /** Setting → value, as text. */
  settings: z.record(z.string(), z.string()),
  runs: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      fromStep: z.int(),
      toStep: z.int(),
      eventCount: z.int(),
      /** Share of its steps within reach of one of its events. */
      share: z.number(),
    }),
  ),
  /** Places with an event of any run. */
  placeCount: z.int(),
  /** Pairs of runs that have an event at the same place, and how many of them chance makes. */
  pairCount: z.int(),
  expectedPairs: z.number(),
  /** Places with two runs or more, the smallest tail first. */
  items: z.array(recurringBatchSchema),
  itemCount: z.int(),
});
export type DataOrder = z.infer<typeof dataOrderSchema>;

export const recurringBatchesReplySchema = z.object({
  /** The settings that were looked for. */
  by: z.array(z.array(z.string())),
  within: z.int(),
  /** Runs that were asked, and those of them that say their data order. */
  runCount: z.int(),
  orderedRunCount: z.int(),
  /** Data orders of two runs or more. */
  items: z.array(dataOrderSchema),
});
export type RecurringBatchesReply = z.infer<typeof recurringBatchesReplySchema>;
